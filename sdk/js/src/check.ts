// Compares a value with a JSON Schema, as far as the keywords that `t` writes.
//
// Not here: what a schema may say beyond that; such keywords are for models to read.

import { AxError, invalid } from "./error.ts";
import type { JsonSchema } from "./schema.ts";

/** What each type is called in messages. */
const CALLED: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  null: "null",
};

/** Characters of a value that are shown in a message. */
const SHOWN_MAX = 40;

/**
 * Checks that `value` fits.
 *
 * @throws {@link AxError} of the kind `invalid`, with the path of what does not fit as its code.
 */
export function check(schema: JsonSchema, value: unknown, path = ""): void {
  const { type, enum: values } = schema;
  if (typeof type === "string" && !isA(type, value)) {
    throw refused(path, `must be ${CALLED[type] ?? type}, not ${shown(value)}`);
  }
  if (Array.isArray(values) && !values.includes(value)) {
    throw refused(path, `must be one of ${values.map(shown).join(", ")}, not ${shown(value)}`);
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
    throw refused(path, `must match ${pattern}, which ${shown(value)} does not`);
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
    throw refused(path, `must be at least ${least}${unit}, not ${value}`);
  }
  if (typeof most === "number" && value > most) {
    throw refused(path, `must be at most ${most}${unit}, not ${value}`);
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
    if (!Object.hasOwn(value, name)) throw refused(below(name), "is missing");
  }
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(properties as object, name);
    const fitting = known ? (properties as JsonSchema)[name] : additionalProperties;
    if (fitting === false) throw refused(below(name), "is not known here");
    if (isSchema(fitting)) check(fitting, member, below(name));
  }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}

function refused(path: string, why: string): AxError {
  return invalid(path, `${path === "" ? "the input" : `\`${path}\``} ${why}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
