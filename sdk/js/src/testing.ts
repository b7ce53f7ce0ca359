// Tests of tools that run in Node.js, without a sandbox: `npm test`.
//
// ```ts
// import { equal, fake, test, throws } from "ax/testing";
//
// test("somebody is greeted by name", () => {
//   fake.config("greeting", "Hi");
//   equal(greet({ name: "Ada" }), "Hi, Ada!");
// });
// ```

import { reset } from "./fake/world.ts";

export * as fake from "./fake/index.ts";

// Told in words of its own, so that a plugin needs no types of Node.js, where it does not run.
const runner = (await import("node:test" as string)) as {
  test(name: string, run: () => void | Promise<void>): Promise<void>;
};
const assert = (await import("node:assert/strict" as string)) as {
  deepEqual(actual: unknown, expected: unknown): void;
  throws(run: () => unknown, expected: object): void;
};

/** Declares a test; what `fake` plays is empty when it begins. */
export function test(name: string, run: () => void | Promise<void>): void {
  void runner.test(name, () => {
    reset();
    return run();
  });
}

/** Insists that two values are the same through and through. */
export function equal<T>(actual: T, expected: T): void {
  assert.deepEqual(actual, expected);
}

/** Insists that `run` throws an error with these members, as `{ kind: "invalid", code: "name" }`. */
export function throws(run: () => unknown, expected: object): void {
  assert.throws(run, expected);
}
