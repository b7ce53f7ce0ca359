// Builds a plugin: `node .ax/sdk/build/main.mjs TOOLCHAIN`, in the project's folder.
//
//   sources ──→ types checked (tsc) ───────────────────────────┐
//           └─→ one file (rolldown) ──→ component (QuickJS) ───┴──→ .ax/build/plugin.wasm
//
// Everything that is wrong goes to standard error, each with its place, and the exit code is 1. What was
// built before from the same text is taken as it is, so the same sources give the same bytes.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { bundle } from "./bundle.mjs";
import { componentize } from "./componentize.mjs";
import { Mistake, SourceMistake } from "./mistake.mjs";
import { checkTypes } from "./types.mjs";

/** Where the results are. */
const FOLDER = ".ax/build";

/** Where the world is. */
const WIT = ".ax/wit";

const [toolchain] = process.argv.slice(2);

try {
  await build();
} catch (error) {
  // What the toolchain says of sources is for their author; its own stack is not.
  const text = error instanceof Mistake ? error.message : (error?.stack ?? error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

async function build() {
  await mkdir(FOLDER, { recursive: true });
  // Unit tests find the toolchain by this: nobody tells them where it is.
  await replace(join(FOLDER, "toolchain"), toolchain);
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
  const text = await bundle(toolchain, { main, world });
  const [source, key, component] = ["plugin.js", "key", "plugin.wasm"].map((it) => join(FOLDER, it));
  const digest = await digestOf(text);
  const before = await readFile(key, "utf8").catch(() => undefined);
  if (before === digest && existsSync(component)) return;
  await replace(source, text);
  await replace(component, await componentize(toolchain, { wit: WIT, source, text }));
  await replace(key, digest);
}

/** Names all that a component is made of. */
async function digestOf(text) {
  const hash = createHash("sha256").update(text);
  const entries = await readdir(WIT, { recursive: true, withFileTypes: true });
  const files = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath ?? it.path, it.name));
  for (const file of [...files.sort(), join(toolchain, "package.json")]) {
    hash.update(`\0${file.startsWith(WIT) ? file : ""}\0`).update(await readFile(file));
  }
  return hash.digest("hex");
}

/** Writes a whole file, or none. */
async function replace(path, contents) {
  const beside = `${path}.${process.pid}`;
  await writeFile(beside, contents);
  await rename(beside, path);
}
