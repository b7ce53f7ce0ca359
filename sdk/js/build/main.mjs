// Builds a plugin: `node .ax/sdk/build/main.mjs TOOLCHAIN COMPONENT`, in the project's folder.
//
//   sources ──→ types checked (tsc) ───────────────────────────┐
//           └─→ one file (rolldown) ──→ component (QuickJS) ───┴──→ COMPONENT
//
// Everything that is wrong goes to standard error, each with its place, and the exit code is 1. What was
// built before from the same text is taken as it is, so the same sources give the same bytes.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import { bundle, NEEDS } from "./bundle.mjs";
import { componentize } from "./componentize.mjs";
import { Mistake, SourceMistake } from "./mistake.mjs";
import { checkTypes } from "./types.mjs";

/** Where the world is. */
const WIT = ".ax/wit";

const [toolchain, component] = process.argv.slice(2);

/** The file beside it that says of what it was made, and the one that it is made of. */
const [inputs, source] = ["inputs", "plugin.js"].map((it) => join(dirname(component), it));

try {
  await build();
} catch (error) {
  // What the toolchain says of sources is for their author; its own stack is not.
  const text = error instanceof Mistake ? error.message : (error?.stack ?? error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

async function build() {
  const ended = await Promise.allSettled([checkTypes(toolchain), make()]);
  const [wrongTypes, wrong] = ended.map(({ reason }) => reason);
  if (wrongTypes !== undefined && !(wrong === undefined || wrong instanceof SourceMistake)) {
    process.stderr.write(`${wrongTypes.message}\n`);
    throw wrong;
  }
  if ((wrongTypes ?? wrong) !== undefined) throw wrongTypes ?? wrong;
}

async function make() {
  const { main = "src/plugin.ts" } = JSON.parse(await readFile("package.json", "utf8"));
  const world = await readFile(join(WIT, "world.wit"), "utf8");
  const { text, imported } = await bundle(toolchain, { main, world });
  const wit = await worldOf(world, imported);
  const digest = await digestOf(text, wit);
  const before = await readFile(inputs, "utf8").catch(() => undefined);
  if (before === digest && existsSync(component)) return;
  // What is broken off is not taken for whole.
  await rm(inputs, { force: true });
  await writeFile(source, text);
  await writeFile(component, await componentize(toolchain, { wit, source, text }));
  await writeFile(inputs, digest);
}

/**
 * Writes the world without what plugin.toml asks for and nothing imports, so that the component does not
 * import it either, and that is told; returns the folder.
 */
async function worldOf(world, imported) {
  const folder = join(dirname(component), "wit");
  await rm(folder, { recursive: true, force: true });
  await cp(WIT, folder, { recursive: true });
  const isUsed = (name) => imported.some((id) => id.startsWith(`${name}@`));
  const unused = Object.values(NEEDS).filter((name) => !isUsed(name));
  const lines = world.split("\n").filter((line) => !unused.some((name) => line.includes(`import ${name}@`)));
  await writeFile(join(folder, "world.wit"), lines.join("\n"));
  return folder;
}

/** Names all that a component is made of. */
async function digestOf(text, wit) {
  const hash = createHash("sha256").update(text);
  const entries = await readdir(wit, { recursive: true, withFileTypes: true });
  const files = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath ?? it.path, it.name));
  for (const file of [...files.sort(), join(toolchain, "package.json")]) {
    hash.update(`\0${file.startsWith(wit) ? relative(wit, file) : ""}\0`).update(await readFile(file));
  }
  return hash.digest("hex");
}
