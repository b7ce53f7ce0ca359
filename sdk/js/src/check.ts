// Compares a value with a JSON Schema, as far as the keywords that `t` writes.
//
// Not here: what a schema may say beyond that; such keywords are for models to read.

import { AxError, invalid } from "./error.ts";
import type { JsonSchema } from "./schema.ts";

/** What each type is called in messages. */
const CALLED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};

/** Characters of a text that are shown in a message. */
const SHOWN_MAX = 32;

/**
 * Checks that `value` fits.
 *
 * @throws {@link AxError} of the kind `invalid`, with the path of what does not fit as its code.
 */
export function check(schema: JsonSchema, value: unknown, path = ""): void {
  const { type, enum: values } = schema;
  if (typeof type === "string" && !isA(type, value)) {
    throw unexpected(path, CALLED[type] ?? type, value);
  }
  if (type === "integer" && !Number.isSafeInteger(value)) {
    // It is not what was sent any more, or may not be.
    const bound = "a whole number from -(2^53 - 1) to 2^53 - 1, or text with its digits";
    throw unexpected(path, bound, value);
  }
  if (Array.isArray(values) && !values.includes(value)) {
    throw unexpected(path, `one of ${values.map(shown).join(", ")}`, value);
  }
  if (typeof value === "string") checkText(schema, value, path);
  else if (typeof value === "number") checkBounds(schema, "imum", value, path, "");
  else if (Array.isArray(value)) checkItems(schema, value, path);
  else if (typeof value === "object" && value !== null) checkMembers(schema, value, path);
}

function isA(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      // JSON has no others.
      return Number.isFinite(value);
    case "array":
      return Array.isArray(value);
    case "null":
      return value === null;
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function checkText(schema: JsonSchema, value: string, path: string): void {
  // Characters, which an emoji is one of, and not the halves that strings are made of.
  if (schema["minLength"] !== undefined || schema["maxLength"] !== undefined) {
    checkBounds(schema, "Length", [...value].length, path, " characters");
  }
  const { pattern } = schema;
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value)) {
    throw unexpected(path, `text that matches ${pattern}`, value);
  }
}

/** Compares with `minimum` and `maximum`, `minLength` and `maxLength`, `minItems` and `maxItems`. */
function checkBounds(
  schema: JsonSchema,
  what: "imum" | "Length" | "Items",
  value: number,
  path: string,
  unit: string,
): void {
  const [least, most] = [schema[`min${what}`], schema[`max${what}`]];
  if (typeof least === "number" && value < least) {
    throw refused(path, `: expected at least ${least}${unit}, got ${value}`);
  }
  if (typeof most === "number" && value > most) {
    throw refused(path, `: expected at most ${most}${unit}, got ${value}`);
  }
}

function checkItems(schema: JsonSchema, value: readonly unknown[], path: string): void {
  checkBounds(schema, "Items", value.length, path, " items");
  const { items } = schema;
  if (isSchema(items)) value.forEach((item, index) => check(items, item, `${path}[${index}]`));
}

function checkMembers(schema: JsonSchema, value: object, path: string): void {
  const { properties = {}, required = [], additionalProperties } = schema;
  const below = (name: string) => (path === "" ? name : `${path}.${name}`);
  for (const name of required as string[]) {
    if (!Object.hasOwn(value, name)) throw refused(below(name), " is missing");
  }
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties as object, name);
    const fitting = known ? (properties as JsonSchema)[name] : additionalProperties;
    if (fitting === false) throw refused(below(name), ` is not known here${among(properties as object)}`);
    if (isSchema(fitting)) check(fitting, member, below(name));
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}

function among(properties: object): string {
  const known = Object.keys(properties).map((name) => `\`${name}\``);
  return known.length > 0 ? `; known are ${known.join(", ")}` : "";
}

function unexpected(path: string, wanted: string, value: unknown): AxError {
  return refused(path, `: expected ${wanted}, got ${shown(value)}`);
}

function refused(path: string, why: string): AxError {
  return invalid(path, `${path === "" ? "the input" : `\`${path}\``}${why}`);
}

/** Says what a value is, and which one, if it is short. */
function shown(value: unknown): string {
  if (typeof value === "string") return value.length <= SHOWN_MAX ? JSON.stringify(value) : "text";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
