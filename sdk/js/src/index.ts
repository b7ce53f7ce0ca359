/**
 * Writes plugins for `ax` in TypeScript: a tool is a function.
 *
 * ```ts
 * import { invalid, plugin, t, tool } from "ax";
 *
 * const greet = tool(
 *   {
 *     name: "greet",
 *     description: "Greets somebody by name.",
 *     readOnly: true,
 *     input: { name: t.string("Who is greeted.") },
 *   },
 *   ({ name }) => {
 *     if (name.trim() === "") throw invalid("name", "nobody is greeted without a name");
 *     return `Hello, ${name}!`;
 *   },
 * );
 *
 * export default plugin({ tools: [greet] });
 * ```
 *
 * | To … | use | plugin.toml asks for |
 * |---|---|---|
 * | write a line for the operator | {@link log}, `console` | nothing |
 * | read what the operator has set | {@link config} | nothing |
 * | say how far a call is, or learn that it was cancelled | {@link task} | nothing |
 * | keep data between calls | `import * as kv from "ax/kv"` | `kv` |
 * | send requests | `import * as http from "ax/http"` | `net` |
 * | know whether a secret is set | `import * as secrets from "ax/secrets"` | `secrets` |
 * | test without a sandbox | `import { fake, test } from "ax/testing"` | |
 *
 * @module
 */

// First, so that whatever imports this module finds them.
import "./globals.ts";

export { type Answer, Content, type LinkDetails, type Output, type Readable } from "./answer.ts";
export * as config from "./config.ts";
export { AxError, type ErrorDetails, type ErrorKind, failed, invalid, notFound } from "./error.ts";
export * as log from "./log.ts";
export { type Parts, type Plugin, plugin } from "./plugin.ts";
export {
  type JsonSchema,
  type ListBounds,
  type Members,
  type NumberBounds,
  type Of,
  Optional,
  Schema,
  type Shape,
  t,
  type TextBounds,
} from "./schema.ts";
export * as task from "./task.ts";
export { type About, type Annotations, type Described, type Tool, tool } from "./tool.ts";
