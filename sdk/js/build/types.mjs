// Checks types, as `tsc` does.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { Mistake } from "./mistake.mjs";

/** Checks the types of a project that has a tsconfig.json. */
export async function checkTypes(toolchain) {
  if (!existsSync("tsconfig.json")) return;
  const tsc = join(toolchain, "node_modules/typescript/bin/tsc");
  const pretty = String(process.stderr.isTTY === true);
  const child = spawn(process.execPath, [tsc, "--project", ".", "--noEmit", "--pretty", pretty], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (piece) => (said += piece));
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  // As other compilers say it, so that terminals and editors make links of places.
  if (code !== 0) throw new Mistake(said.trimEnd().replace(/^(\S+)\((\d+),(\d+)\): /gm, "$1:$2:$3: "));
}
