// What programs expect to find and the engine does not bring: `console`, `TextEncoder`, and random
// numbers that differ from call to call. It is there before the plugin is loaded, which may use it then.

import task from "ax:task/call@0.1.1";

import { type Level, write } from "./log.ts";
import { decode, encode } from "./utf8.ts";

/** What the next random number is made of; none before the first of a call. */
let state: number | undefined;

/** Begins a call: its random numbers are its own. */
export function begin(): void {
  state = undefined;
}

/**
 * Returns a number from 0 to 1 (mulberry32).
 *
 * The engine's own numbers began when the component was made, so each call would see the same ones.
 * These begin with the name of the call, which is never used twice. They are no secrets.
 */
function random(): number {
  state ??= seed(task.current().id);
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** Makes a number of a name (FNV-1a). */
function seed(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** Shows a value as `console` does: texts as they are, other values as JSON. */
function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

const line = (level: Level) => (...values: unknown[]) => write(level, values.map(shown).join(" "));

/** Puts everything in its place. Once the plugin runs; while it is made, there is no host. */
export function install(): void {
  Math.random = random;
}

/** What is not there, by name. */
const MISSING = {
  console: {
    debug: line("debug"),
    log: line("info"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  },
  TextEncoder: class TextEncoder {
    readonly encoding = "utf-8";
    encode(text = ""): Uint8Array {
      return encode(text);
    }
  },
  TextDecoder: class TextDecoder {
    readonly encoding = "utf-8";
    decode(bytes: Uint8Array | ArrayBuffer = new Uint8Array()): string {
      return decode(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes);
    }
  },
};

// Node.js, where tests run, has its own.
for (const [name, value] of Object.entries(MISSING)) {
  if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
}
