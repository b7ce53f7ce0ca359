// Nothing is sent from tests: `ax/testing` plays GitHub.

import { equal, fake, test, throws } from "ax/testing";

import { latestRelease } from "../src/plugin.ts";

function asked(status: number, body: object) {
  fake.http(() => fake.page(status, body));
  return latestRelease({ repository: "octo/cat" });
}

test("a release is told as text and as data", () => {
  const url = "https://github.com/octo/cat";
  const published = "2026-01-31T12:00:00Z";
  const told = { tag_name: "v1.2.0", name: null, html_url: url, published_at: published };
  equal(asked(200, told), [
    `octo/cat v1.2.0, published ${published}: ${url}`,
    { tag: "v1.2.0", name: "v1.2.0", url, published },
  ]);
  equal(fake.sent()[0]?.url, "https://api.github.com/repos/octo/cat/releases/latest");
});

test("other answers say what to do", () => {
  throws(() => asked(404, {}), { kind: "not-found" });
  throws(() => asked(403, {}), { kind: "failed" });
  throws(() => asked(503, {}), { kind: "unavailable" });
});

test("what names no repository is never asked for", () => {
  for (const repository of ["", "octo", "octo/", "/cat", "octo/..", "octo/cat/../..", "o/c?a=b"]) {
    throws(() => latestRelease({ repository }), { kind: "invalid", code: "repository" });
  }
  equal(fake.sent(), []);
});
