import { equal, test, throws } from "ax/testing";

import { greet } from "../src/plugin.ts";

test("somebody is greeted by name", () => {
  equal(greet({ name: "Ada" }), "Hello, Ada!");
});

test("nobody is not greeted", () => {
  throws(() => greet({ name: " " }), { kind: "invalid", code: "name" });
});
