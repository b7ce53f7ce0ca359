// How Node.js finds the modules of the SDK, plays those of the host, and reads TypeScript.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The SDK. */
const SDK = new URL("../src/", import.meta.url);

/** What `ax build` notes: where the toolchain is. */
const NOTE = new URL("../../toolchain", import.meta.url);

/** What plays each interface of the host. */
const FAKES = {
  "ax:config/config": "fake/config.ts",
  "ax:http/client": "fake/http.ts",
  "ax:kv/store": "fake/kv.ts",
  "ax:log/log": "fake/log.ts",
  "ax:secrets/secrets": "fake/secrets.ts",
  "ax:task/call": "fake/task.ts",
};

let transform;

/** Finds a module. */
export function resolve(id, context, next) {
  const [, module = "index"] = /^ax(?:\/(\w+))?$/.exec(id) ?? [];
  const file = FAKES[id.split("@")[0]] ?? (/^ax(\/|$)/.test(id) ? `${module}.ts` : undefined);
  if (file === undefined) return next(id, context);
  return { url: new URL(file, SDK).href, format: "module", shortCircuit: true };
}

/** Reads a module; types are taken out, lines stay known. */
export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  transform ??= await stripper();
  const path = fileURLToPath(url);
  const { code, map, errors } = transform(path, await readFile(path, "utf8"), { sourcemap: true });
  if (errors.length > 0) throw new SyntaxError(errors.map(({ message }) => message).join("\n"));
  const mapped = Buffer.from(JSON.stringify(map)).toString("base64");
  const source = `${code}\n//# sourceMappingURL=data:application/json;base64,${mapped}`;
  return { format: "module", source, shortCircuit: true };
}

async function stripper() {
  const toolchain = await readFile(NOTE, "utf8").catch(() => {
    throw new Error("there is no toolchain yet; type: ax build");
  });
  const utilities = join(toolchain.trim(), "node_modules/rolldown/dist/utils-index.mjs");
  return (await import(pathToFileURL(utilities).href)).transformSync;
}
