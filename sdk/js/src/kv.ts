// Data that the plugin keeps between calls: 10,000 keys and 10 MiB by default.
//
// Needs `kv` in plugin.toml. A write is made wholly or not at all.

import host from "ax:kv/store@0.1.0";

import { AxError, failed } from "./error.ts";
import { asked } from "./host.ts";
import { decode, encode } from "./utf8.ts";

/** Times that {@link update} tries before it gives up. */
const TRIES_MAX = 16;

/** Entries that are read at a time. */
const PAGE_ENTRIES = 1000;

/** A key with its value. */
export interface Entry {
  /** At most 512 bytes. */
  readonly key: string;
  /** At most 1 MiB. */
  readonly value: Uint8Array;
  /** The number of the write that put it there; numbers grow and are never used twice. */
  readonly version: number;
}

/** What must hold for a change to be made: there is no such key, or it is as it was read. */
export type When = "always" | "absent" | { readonly version: number };

/** One change of a {@link write}: a value is put, or removed where `value` is left out. */
export interface Change {
  /** The key. */
  readonly key: string;
  /** Its new value. */
  readonly value?: Uint8Array;
  /** What must hold; nothing, when this is left out. */
  readonly when?: When;
}

/** A part of a listing. */
export interface Page {
  /** The entries, sorted by key. */
  readonly entries: readonly Entry[];
  /** From where to go on; `undefined` at the end. */
  readonly next: string | undefined;
}

/** What is used, and how much there may be. */
export interface Usage {
  /** Keys in use. */
  readonly keys: number;
  /** Bytes of keys and values in use. */
  readonly bytes: number;
  /** Keys there may be. */
  readonly keysMax: number;
  /** Bytes there may be. */
  readonly bytesMax: number;
}

/** Returns the JSON value of a key; `undefined` when there is none. */
export function get<T>(key: string): T | undefined {
  const entry = read(key);
  return entry === undefined ? undefined : valueOf<T>(entry);
}

/** Gives a key a JSON value. */
export function put(key: string, value: unknown): void {
  write([{ key, value: json(key, value) }]);
}

/** Removes a key; content when there is none. */
export function remove(key: string): void {
  write([{ key }]);
}

/**
 * Reads a value, changes it and keeps it; again when another call came in between. Returns what was
 * kept. A value that is not there begins as `initial`.
 *
 * ```ts
 * const greeted = kv.update("greeted/ada", 0, (times) => times + 1);
 * ```
 *
 * @throws {@link AxError} of the kind `conflict` when others came in between every time.
 */
export function update<T>(key: string, initial: T, change: (value: T) => T): T {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const entry = read(key);
    const value = change(entry === undefined ? initial : valueOf<T>(entry));
    const when: When = entry === undefined ? "absent" : { version: entry.version };
    try {
      write([{ key, value: json(key, value), when }]);
      return value;
    } catch (error) {
      if (!(error instanceof AxError && error.kind === "conflict")) throw error;
    }
  }
  const message = `\`${key}\` was changed by others each time it was read`;
  throw new AxError("conflict", message, { code: key });
}

/** Returns the keys that begin with `prefix`, sorted, all of them. */
export function keys(prefix = ""): string[] {
  return entries(prefix).map((entry) => entry.key);
}

/** Returns the entries whose keys begin with `prefix`, sorted by key, all of them. */
export function entries(prefix = ""): Entry[] {
  const all: Entry[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = scan(prefix, PAGE_ENTRIES, cursor);
    all.push(...page.entries);
    if (page.next === undefined) return all;
    cursor = page.next;
  }
}

/** Returns an entry as it is kept; `undefined` when there is none. */
export function read(key: string): Entry | undefined {
  return asked(() => host.get(key)) ?? undefined;
}

/** Returns at most `limit` entries whose keys begin with `prefix`, and from where to go on. */
export function scan(prefix: string, limit: number, cursor?: string): Page {
  const { entries, next } = asked(() => host.scan(prefix, limit, cursor ?? null));
  return { entries, next: next ?? undefined };
}

/**
 * Makes all changes or none; returns the version that the new values have.
 *
 * @throws {@link AxError} of the kind `conflict` with the first key whose condition did not hold, or
 * `exhausted` when the quota is used up.
 */
export function write(changes: readonly Change[]): number {
  const told = changes.map(({ key, value, when = "always" }) => {
    const condition =
      typeof when === "string" ? { tag: when } : { tag: "at-version" as const, val: when.version };
    return value === undefined
      ? { tag: "remove" as const, val: { key, when: condition } }
      : { tag: "put" as const, val: { key, value, when: condition } };
  });
  return asked(() => host.write(told));
}

/** Returns what is used, and how much there may be. */
export function usage(): Usage {
  return asked(() => host.usage());
}

function json(key: string, value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (text === undefined) throw failed(`what is to be kept as \`${key}\` is no JSON`);
  return encode(text);
}

function valueOf<T>({ key, value }: Entry): T {
  try {
    return JSON.parse(decode(value));
  } catch (error) {
    throw failed(`what is kept as \`${key}\` is no JSON`, error);
  }
}
