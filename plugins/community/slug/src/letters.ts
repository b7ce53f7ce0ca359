// Letters that have no accent to take off, and what stands for them in plain ones.

const PLAIN: { readonly [letter: string]: string } = {
  "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
  "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ł": "l", "Ł": "L",
  "ħ": "h", "Ħ": "H", "ı": "i", "ŋ": "n", "Ŋ": "N", "ſ": "s", "&": " and ", "@": " at ",
};

/** As a German reads them: `ä` is `ae`, not `a`. */
const GERMAN: { readonly [letter: string]: string } = {
  "ä": "ae", "Ä": "Ae", "ö": "oe", "Ö": "Oe", "ü": "ue", "Ü": "Ue",
};

/** Languages that read accents in a way of their own. */
export type Language = "any" | "german";

/** Writes a text with plain letters, as far as there are some for it. */
export function plain(text: string, language: Language): string {
  const own = language === "german" ? GERMAN : {};
  // Put together first: an umlaut may come as a letter and a mark.
  const letters = Array.from(text.normalize("NFC"), (letter) => own[letter] ?? PLAIN[letter] ?? letter);
  return letters.join("").normalize("NFKD").replace(/\p{M}/gu, "");
}
