// Each test has a notebook of its own, which `ax/testing` plays.

import { equal, test, throws } from "ax/testing";

import { forget, list, recall, remember } from "../src/plugin.ts";

test("what is remembered is recalled until it is forgotten", () => {
  remember({ key: "milk", text: "1 litre" });
  remember({ key: "milk", text: "2 litres" });
  equal(recall({ key: "milk" }), "2 litres");
  forget({ key: "milk" });
  throws(() => recall({ key: "milk" }), { kind: "not-found", code: "milk" });
  forget({ key: "milk" });
});

test("keys are listed by how they begin", () => {
  for (const key of ["todo/b", "todo/a", "milk"]) remember({ key, text: "1" });
  equal(list({ prefix: "todo/" }), ["todo/a\ntodo/b", { keys: ["todo/a", "todo/b"] }]);
  equal(list({}), ["milk\ntodo/a\ntodo/b", { keys: ["milk", "todo/a", "todo/b"] }]);
});

test("nothing is remembered without a key", () => {
  throws(() => remember({ key: " ", text: "lost" }), { kind: "invalid", code: "key" });
});
