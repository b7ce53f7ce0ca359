import { equal, test, throws } from "ax/testing";

import { make, makeAll } from "../src/plugin.ts";
import { slugOf } from "../src/slug.ts";

test("accents go, words stay", () => {
  equal(make({ text: "  Crème brûlée & Łódź — don't panic!  " }), "creme-brulee-and-lodz-dont-panic");
});

test("umlauts are read as asked, whichever way they are written", () => {
  equal(make({ text: "Über Straße" }), "uber-strasse");
  equal(make({ text: "U\u0308ber Straße", language: "german" }), "ueber-strasse");
});

test("what is too long is cut between words, a single word within", () => {
  equal(make({ text: "one two three four", "max-length": 10 }), "one-two");
  equal(make({ text: "incomprehensible", "max-length": 8 }), "incompre");
});

test("a slug of a slug is itself", () => {
  for (const text of ["Ünïcödé", "a_b c", "Ǆ ﬁ ①", "x".repeat(300)]) {
    const usual = { separator: "-", maxLength: 80, language: "any" } as const;
    const slug = slugOf(text, usual);
    equal(slugOf(slug, usual), slug);
  }
});

test("no two are alike, and none is too long", () => {
  const made = makeAll({ texts: ["A b", "a  B", "a-b"], taken: ["a-b-2"] });
  equal(made, { slugs: ["a-b", "a-b-3", "a-b-4"] });
  const long = makeAll({ texts: ["abcdefgh ij", "abcdefgh kl"], "max-length": 8 });
  equal(long, { slugs: ["abcdefgh", "abcdef-2"] });
});

test("nothing becomes nothing", () => {
  throws(() => make({ text: "— ☂ —" }), { kind: "invalid", code: "text" });
  throws(() => makeAll({ texts: ["a", "?"] }), { kind: "invalid", code: "texts[1]" });
});
