// Lines for the operator: 1,000 lines and 256 KiB a call. `console` writes to the same log.

import host from "ax:log/log@0.1.0";

/** How much a line matters. */
export type Level = "trace" | "debug" | "info" | "warn" | "error";

/** Names and values that go with a line, for queries. */
export type Fields = { readonly [name: string]: string | number | boolean };

/** Writes a line with names and values that go with it. */
export function write(level: Level, message: string, fields: Fields = {}): void {
  const told = Object.entries(fields).map(([name, value]): [string, string] => {
    return [name.toWellFormed(), String(value).toWellFormed()];
  });
  host.write(level, String(message).toWellFormed(), told);
}

/** Writes a line for the plugin's author. */
export function debug(message: string, fields?: Fields): void {
  write("debug", message, fields);
}

/** Writes a line for the operator. */
export function info(message: string, fields?: Fields): void {
  write("info", message, fields);
}

/** Says that something is odd. */
export function warn(message: string, fields?: Fields): void {
  write("warn", message, fields);
}

/** Says that something failed. */
export function error(message: string, fields?: Fields): void {
  write("error", message, fields);
}
