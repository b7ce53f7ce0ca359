// What the operator has set for this plugin. It does not change during a call.

import host from "ax:config/config@0.1.0";

import { check } from "./check.ts";
import { AxError, invalid } from "./error.ts";
import type { Schema } from "./schema.ts";

/**
 * Returns a setting; `undefined` when the operator set none.
 *
 * ```ts
 * const greeting = config.get("greeting", t.string()) ?? "Hello";
 * ```
 *
 * @throws {@link AxError} of the kind `invalid` when it does not fit, naming the setting.
 */
export function get<T>(key: string, schema: Schema<T>): T | undefined {
  const text = host.get(key);
  if (text === null || text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  try {
    check(schema.json, value, key);
  } catch (error) {
    if (!(error instanceof AxError)) throw error;
    throw invalid(error.code, `the setting does not fit: ${error.message}`);
  }
  return value as T;
}

/** Returns all settings, an object. */
export function all(): Record<string, unknown> {
  return JSON.parse(host.all());
}
