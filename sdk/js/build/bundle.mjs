// Makes one file of a plugin, the SDK and the packages it uses.
//
// Invariant: whatever is left to import is in the world, so that a missing permission is found here,
// where its name is known.

import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";

import { Mistake, SourceMistake } from "./mistake.mjs";
import { placesOf } from "./places.mjs";

/** The SDK, as seen from the project. */
const SDK = resolve(".ax/sdk/src");

/** Where the one file would be, from which the bundler names sources. */
const BUILD = ".ax/build";

/** The file that the component is made of: a name that no file has. */
const ENTRY = "\0plugin";

/** What plugin.toml asks for where a module of the SDK needs it. */
const ASKS = {
  kv: 'kv = { bytes = "1 MiB", reason = "…" }',
  http: 'net = [{ to = "https://example.org", methods = ["GET"], reason = "…" }]',
  secrets: 'secrets = [{ name = "token", to = "https://example.org", header = "Authorization: Bearer {}", reason = "…" }]',
};

/** The interface that each of these modules needs. */
export const NEEDS = { kv: "ax:kv/store", http: "ax:http/client", secrets: "ax:secrets/secrets" };

/** Returns the text of the one file, with the places its lines come from, and what it imports. */
export async function bundle(toolchain, { main, world }) {
  if (!existsSync(main)) throw new Mistake(`error: there is no \`${main}\`, which package.json calls "main"`);
  const { rolldown } = await import(pathToFileURL(join(toolchain, "node_modules/rolldown/dist/index.mjs")));
  let bundled;
  try {
    bundled = await rolldown({
      input: ENTRY,
      platform: "neutral",
      resolve: { mainFields: ["module", "main"], conditionNames: ["import", "module", "default"] },
      plugins: [entry(main), ...imports(world)],
      onLog: (level, log) => log.code === "EMPTY_BUNDLE" || warn(level, log),
    });
    const wanted = { format: "esm", dir: BUILD, sourcemap: true, codeSplitting: false, comments: false };
    const { output } = await bundled.generate(wanted);
    const [{ code, map, imports: imported }] = output;
    const text = code.replace(/^\/\/# sourceMappingURL=.*$/m, "");
    const places = `globalThis.axPlaces = ${JSON.stringify(placesOf(map, named))};\n`;
    return { text: `${text}\n${places}`, imported };
  } catch (error) {
    throw mistaken(error, main);
  } finally {
    await bundled?.close();
  }
}

function warn(level, { message }) {
  if (level === "warn") process.stderr.write(`warning: ${message}\n`);
}

/** A source's name, as seen from the project. */
function named(source) {
  return relative(".", resolve(BUILD, source));
}

/** What the component exports is made of what the main file exports. */
function entry(main) {
  const from = (path) => JSON.stringify(path);
  const text = `import plugin from ${from(resolve(main))};
import { guest } from ${from(join(SDK, "guest.ts"))};
export const { tools, lifecycle } = guest(plugin);
`;
  return {
    name: "ax:entry",
    resolveId: (id) => (id === ENTRY ? id : undefined),
    load: (id) => (id === ENTRY ? text : undefined),
  };
}

/** Finds the modules of the SDK and of the host. */
function imports(world) {
  const offered = new Set([...world.matchAll(/^\s*import ([^@;]+)/gm)].map(([, name]) => name));
  const roots = new Set([realpathSync(".") + sep]);
  const finding = {
    name: "ax:imports",
    async resolveId(id, importer, options) {
      const [, module] = /^ax(?:\/(\w+))?$/.exec(id) ?? [];
      const needed = NEEDS[module] ?? (id.startsWith("ax:") ? id.split("@")[0] : undefined);
      if (needed !== undefined && !offered.has(needed)) {
        throw new Mistake(`${await placeOf(id, importer)}: error: \`${id}\` ${missing(module)}`);
      }
      if (id === "ax") return join(SDK, "index.ts");
      if (module !== undefined) return join(SDK, `${module}.ts`);
      if (/^(ax|wasi):/.test(id)) return { id, external: true };
      if (id.startsWith("node:")) {
        throw new Mistake(`${await placeOf(id, importer)}: error: there is no \`${id}\` in the sandbox`);
      }
      if (/^[./\0]/.test(id)) return undefined;
      const found = await this.resolve(id, importer, { ...options, skipSelf: true });
      if (found !== null && !found.external) {
        roots.add(packageOf(found.id));
        return found;
      }
      const why = `there is no package \`${id}\` here; type: npm install ${id}`;
      throw new SourceMistake(`${await placeOf(id, importer)}: error: ${why}`);
    },
  };
  return [finding, inside(roots)];
}

/** Lets files below these folders into the component, and no other file of this machine. */
function inside(roots) {
  return {
    name: "ax:inside",
    load(id) {
      const [path] = id.split("?");
      if (path.startsWith("\0")) return undefined;
      const real = realpathSync(path);
      if ([...roots].some((root) => real.startsWith(root))) return undefined;
      throw new Mistake(`error: \`${path}\` is outside of the project: copy it, or make a package of it`);
    },
  };
}

/** The folder of the package that was found by its name, wherever a link of node_modules leads. */
function packageOf(file) {
  let folder = dirname(realpathSync(file.split("?")[0]));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder + sep;
}

function missing(module) {
  if (ASKS[module] === undefined) return "is no interface of this plugin's world, .ax/wit/world.wit";
  return `needs a permission that plugin.toml does not ask for; add to it:\n\n    [permissions]\n    ${ASKS[module]}\n`;
}

/** Says where a module is imported. */
async function placeOf(id, importer) {
  if (importer === undefined || !existsSync(importer)) return "package.json";
  const lines = (await readFile(importer, "utf8")).split("\n");
  const quoted = lines.findIndex((line) => line.includes(`"${id}"`) || line.includes(`'${id}'`));
  return `${relative(".", importer)}:${quoted + 1}`;
}

/** Returns the author's mistake behind an error of the bundler, if there is one. */
function mistaken(error, main) {
  const all = error?.errors ?? [error];
  const own = all.map((it) => (it instanceof Mistake ? it : it?.cause)).find((it) => it instanceof Mistake);
  if (own !== undefined) return own;
  const isMissing = (it) => it?.code === "MISSING_EXPORT" && it.message.includes('"default"');
  if (all.some((it) => isMissing(it) && it.message.includes(`"${main}"`))) {
    return new Mistake(`${main}: error: it has no \`export default plugin({ tools: [ … ] })\``);
  }
  return new SourceMistake(String(error?.message ?? error));
}
