// A tool: its description, and the function behind it.

import { type Answer, type Output, outputOf } from "./answer.ts";
import { check } from "./check.ts";
import { type JsonSchema, type Of, type Shape, schemaOf } from "./schema.ts";

/** What a tool promises about itself. A claim: the host never grants anything because of it. */
export interface Annotations {
  /** It changes nothing that outlives the call. */
  readonly readOnly?: boolean;
  /** It may remove or overwrite what was there before. */
  readonly destructive?: boolean;
  /** A second call with the same input changes nothing more. */
  readonly idempotent?: boolean;
  /** It reaches things outside this host, as the web. */
  readonly openWorld?: boolean;
}

/** What is said of a tool. */
export interface About<I, O> extends Annotations {
  /** Unique within the plugin: kebab-case, at most 64 characters. */
  readonly name: string;
  /** What it does and when to use it, for models as much as for people: at most 4 KiB. */
  readonly description: string;
  /** A few words for people. */
  readonly title?: string;
  /** What it takes; nothing, when this is left out. */
  readonly input?: I;
  /** What it gives to programs; without it, the answer is something to read. */
  readonly output?: O;
}

/** A tool as models, programs and people see it. */
export interface Described {
  /** Unique within the plugin. */
  readonly name: string;
  /** A few words for people. */
  readonly title: string | undefined;
  /** What it does and when to use it. */
  readonly description: string;
  /** JSON Schema of the input, an object. */
  readonly inputSchema: JsonSchema;
  /** JSON Schema of the answer for programs. */
  readonly outputSchema: JsonSchema | undefined;
  /** What it promises. */
  readonly annotations: Annotations;
  /** Runs it on what a caller sent. */
  answer(input: unknown): Output;
  /** The stack where it was made, for errors that are about it. */
  readonly made: string;
}

/** A tool: the function, with its input checked, and what is said of it. */
export interface Tool<I, A> {
  (input: I): A;
  /** What is said of it. */
  readonly described: Described;
}

/** Says what is wrong with a tool, at the place where it is made. */
export function wrong(message: string, made?: string): Error {
  const error = new Error(message);
  if (made !== undefined) error.stack = made;
  return error;
}

/**
 * Makes a tool of a function. What the function takes is of the type that `input` says, checked before
 * it runs.
 *
 * ```ts
 * const greet = tool(
 *   { name: "greet", description: "Greets somebody.", input: { name: t.string("Who.") } },
 *   ({ name }) => `Hello, ${name}!`,
 * );
 * ```
 */
export function tool<
  const I extends Shape = Record<never, never>,
  const O extends Shape | undefined = undefined,
  A extends Answer<O> = Answer<O>,
>(about: About<I, O>, run: (input: Of<I>) => A): Tool<Of<I>, A> {
  const { name, title, description, input, output } = about;
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) {
    throw wrong(`a tool is called like \`word-count\`, which \`${name}\` is not`);
  }
  if (typeof description !== "string" || description.trim() === "") {
    throw wrong(`the tool \`${name}\` has no description, which is what models read`);
  }
  const inputSchema = schemaFor(name, "input", input ?? {});
  const outputSchema = output === undefined ? undefined : schemaFor(name, "output", output);
  const checked = (value: Of<I>): A => {
    check(inputSchema, value);
    return run(value);
  };
  const { readOnly, destructive, idempotent, openWorld } = about;
  const described: Described = {
    name,
    title,
    description,
    inputSchema,
    outputSchema,
    annotations: { readOnly, destructive, idempotent, openWorld } as Annotations,
    answer: (value) => outputOf(checked(value as Of<I>), outputSchema),
    made: new Error().stack ?? "",
  };
  return Object.assign(checked, { described });
}

function schemaFor(name: string, which: string, shape: Shape): JsonSchema {
  let schema: JsonSchema;
  try {
    schema = schemaOf(shape);
    // A schema that JSON cannot tell would be found out only where nobody sees why.
    JSON.stringify(schema);
  } catch (error) {
    throw wrong(`the ${which} of the tool \`${name}\` has no schema: ${(error as Error).message}`);
  }
  if (schema["type"] !== "object") {
    throw wrong(`the ${which} of the tool \`${name}\` is no object, which it has to be`);
  }
  return schema;
}
