// A slug: words of plain letters and digits, with one separator between them.

import { type Language, plain } from "./letters.ts";

/** How a slug is made. */
export interface Style {
  readonly separator: "-" | "_";
  /** Characters at most. */
  readonly maxLength: number;
  readonly language: Language;
}

/** Makes a slug; an empty one if the text has neither letter nor digit. Cut between words if it can be. */
export function slugOf(text: string, { separator, maxLength, language }: Style): string {
  const words = plain(text, language)
    .toLowerCase()
    // Apostrophes are no ends of words: `don't` is `dont`.
    .replace(/['’ʼ]/g, "")
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  let slug = "";
  for (const word of words) {
    const longer = slug === "" ? word : slug + separator + word;
    if (longer.length > maxLength) {
      return slug === "" ? word.slice(0, maxLength) : slug;
    }
    slug = longer;
  }
  return slug;
}

/** Returns the slug, or the first of `slug-2`, `slug-3`, … that is not taken, no longer than the style allows. */
export function free(slug: string, taken: ReadonlySet<string>, { separator, maxLength }: Style): string {
  let candidate = slug;
  for (let number = 2; taken.has(candidate); number += 1) {
    const end = `${separator}${number}`;
    candidate = slug.slice(0, maxLength - end.length).replace(/[-_]+$/, "") + end;
  }
  return candidate;
}
