// Plays `ax:kv/store`, without its bounds.

import type host from "ax:kv/store@0.1.0";
import type { HostChange } from "ax:kv/store@0.1.0";

import { world } from "./world.ts";

/** What the host keeps unless the operator says otherwise. */
const KEYS_MAX = 10_000;
const BYTES_MAX = 10 << 20;

function holds({ val: { key, when } }: HostChange): boolean {
  const version = world.kv.get(key)?.version;
  switch (when.tag) {
    case "always":
      return true;
    case "absent":
      return version === undefined;
    case "at-version":
      return version === when.val;
  }
}

const fake: typeof host = {
  get: (key) => world.kv.get(key) ?? null,
  scan(prefix, limit, cursor) {
    const matching = [...world.kv.values()].filter(({ key }) => key.startsWith(prefix));
    const sorted = matching.sort((one, other) => (one.key < other.key ? -1 : 1));
    const rest = sorted.filter(({ key }) => cursor === null || key > cursor);
    const entries = rest.slice(0, limit);
    return { entries, next: rest.length > limit ? (entries.at(-1)?.key ?? null) : null };
  },
  write(changes) {
    const stray = changes.find((change) => !holds(change))?.val.key;
    if (stray !== undefined) {
      const message = `\`${stray}\` is not as the change expects`;
      throw Object.assign(new Error(message), { payload: { kind: "conflict", message, code: stray } });
    }
    world.version += 1;
    for (const { tag, val } of changes) {
      if (tag === "put") {
        const { key, value } = val;
        world.kv.set(key, { key, value, version: world.version });
      } else {
        world.kv.delete(val.key);
      }
    }
    return world.version;
  },
  usage() {
    const sizes = [...world.kv.values()].map(({ key, value }) => key.length + value.length);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return { keys: world.kv.size, bytes, keysMax: KEYS_MAX, bytesMax: BYTES_MAX };
  },
};

export default fake;
