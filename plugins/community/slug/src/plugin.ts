// community:slug: texts as they stand in addresses and names of files.

import { invalid, plugin, t, tool } from "ax";

import { free, slugOf } from "./slug.ts";

/** Room for a word and a number; more than any address needs. */
const LENGTH = { min: 8, max: 200 };
const LENGTH_USUAL = 80;

const style = {
  separator: t.oneOf(["-", "_"], "What stands between words; `-` when absent.").optional(),
  "max-length": t.integer("Characters at most, cut between words; 80 when absent.", LENGTH).optional(),
  language: t.oneOf(["any", "german"], "How accents are read: `german` makes `ae` of `ä`, `any` makes `a`.").optional(),
};

interface Given {
  separator?: "-" | "_";
  "max-length"?: number;
  language?: "any" | "german";
}

function slugged(text: string, given: Given, member: string) {
  const chosen = {
    separator: given.separator ?? "-",
    maxLength: given["max-length"] ?? LENGTH_USUAL,
    language: given.language ?? "any",
  } as const;
  const slug = slugOf(text, chosen);
  if (slug === "") throw invalid(member, "there is no letter or digit in it that a slug could be made of");
  return { slug, chosen };
}

export const make = tool(
  {
    name: "make",
    description: "Makes a slug of a title: lower-case letters without accents and digits, with a separator between words, as they stand in addresses and names of files.",
    readOnly: true,
    idempotent: true,
    input: { text: t.string("A title or a name.", { maxLength: 10_000 }), ...style },
  },
  (input) => slugged(input.text, input, "text").slug,
);

export const makeAll = tool(
  {
    name: "make-all",
    description: "Makes slugs of many titles, no two alike and none that is taken: a number is added where one would be.",
    readOnly: true,
    idempotent: true,
    input: {
      texts: t.array(t.string(undefined, { maxLength: 10_000 }), "Titles, at most 1,000.", { min: 1, max: 1_000 }),
      taken: t.array(t.string(), "Slugs that are in use already.", { max: 10_000 }).optional(),
      ...style,
    },
    output: { slugs: t.array(t.string(), "One for each title, in their order.") },
  },
  (input) => {
    const taken = new Set(input.taken);
    const slugs = input.texts.map((text, at) => {
      const { slug, chosen } = slugged(text, input, `texts[${at}]`);
      const own = free(slug, taken, chosen);
      taken.add(own);
      return own;
    });
    return { slugs };
  },
);

export default plugin({ tools: [make, makeAll] });
