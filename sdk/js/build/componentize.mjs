// Makes a component of one JavaScript file: QuickJS with the file loaded, as it is after its first run.

import { join } from "node:path";
import { createRequire } from "node:module";

import { Mistake } from "./mistake.mjs";

/** Returns the bytes of the component. */
export async function componentize(toolchain, { wit, source, text }) {
  const require = createRequire(join(toolchain, "package.json"));
  const { componentize } = require("componentize-qjs");
  try {
    // Without `sync` the component needs component-model async, which the host does not offer.
    const made = await componentize({
      witPath: wit,
      jsSource: text,
      jsPath: source,
      world: "plugin",
      sync: true,
    });
    return made.component;
  } catch (error) {
    throw await mistaken(String(error?.message ?? error), text);
  }
}

/** Says what the plugin did wrong when it was loaded, and where. */
async function mistaken(said, text) {
  const early = /unknown import: `(ax:[^@`]+)/.exec(said);
  if (early !== null) {
    const why = "is called while the plugin is loaded, where there is no host: call it in a tool";
    return new Mistake(`error: \`${early[1]}\` ${why}`);
  }
  const thrown = /module evaluation: (?:Error: )?([^]*?)\n((?:\s+at [^\n]*\n?)+)/.exec(said);
  if (thrown === null) return new Mistake(`error: the component cannot be made: ${said.trim()}`);
  await import("./node.mjs");
  const { located } = await import("../src/stack.ts");
  const places = JSON.parse(JSON.parse(/axPlaces = (.*);\n$/.exec(text)[1]));
  const stack = located(thrown[2], places);
  const [, place] = /\((.*)\)/.exec(stack) ?? [];
  const at = place === undefined ? "" : `${place}: `;
  // One frame says no more than the place does.
  const rest = stack.includes("\n") ? `\n${stack}` : "";
  return new Mistake(`${at}error: ${thrown[1]}${rest}`);
}
