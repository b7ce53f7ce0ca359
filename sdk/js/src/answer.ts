// What a tool answers: something to read, something to compute with, or both.

import { check } from "./check.ts";
import { AxError, failed } from "./error.ts";
import type { JsonSchema, Of, Shape } from "./schema.ts";

/** One piece of an answer that is meant to be read; the functions of the same name make them. */
export type Content =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image" | "audio" | "file"; readonly mediaType: string; readonly data: Uint8Array }
  | ({ readonly type: "link"; readonly uri: string; readonly name: string } & LinkDetails);

/** What a pointer may say beside where it leads. */
export interface LinkDetails {
  /** The media type behind it, where known. */
  readonly mediaType?: string;
  /** What is behind it, at most 1 KiB. */
  readonly description?: string;
}

/** Makes pieces of answers. */
export const Content = {
  /** Text; Markdown is welcome. */
  text(text: string): Content {
    return { type: "text", text };
  },
  /** A picture, of bytes such as a PNG's. */
  image(mediaType: string, data: Uint8Array): Content {
    return { type: "image", mediaType, data };
  },
  /** A sound. */
  audio(mediaType: string, data: Uint8Array): Content {
    return { type: "audio", mediaType, data };
  },
  /** Any other bytes. */
  file(mediaType: string, data: Uint8Array): Content {
    return { type: "file", mediaType, data };
  },
  /** A pointer to what is at an absolute URI, which is no script; the host does not follow it. */
  link(uri: string, name: string, details: LinkDetails = {}): Content {
    return { ...details, type: "link", uri, name };
  },
};

/** A whole answer: at most 1 MiB together. */
export interface Output {
  /** The pieces in reading order, at most 1,000. */
  readonly content: readonly Content[];
  /** The answer for programs, an object; a tool with `output` gives that instead. */
  readonly structured?: object;
}

/** What a tool without a schema of its answer may give back. */
export type Readable = string | Content | readonly Content[] | Output | void;

/**
 * What a tool's function may give back: something to read, or with `output` the value itself, alone or
 * after a text that says the same.
 */
export type Answer<O> = O extends Shape ? Of<O> | readonly [text: string, value: Of<O>] : Readable;

/** Turns what a function gave back into what is sent. */
export function outputOf(answer: unknown, schema: JsonSchema | undefined): Output {
  if (answer instanceof Promise) {
    throw failed("the tool gave a promise: whatever the host offers answers at once, without `async`");
  }
  if (schema === undefined) return { content: pieces(answer), ...forPrograms(answer) };
  const [text, value] = Array.isArray(answer) ? answer : [undefined, answer];
  try {
    check(schema, value);
  } catch (error) {
    if (!(error instanceof AxError)) throw error;
    throw failed(`the answer does not fit its schema: ${error.message.replace(/^the input/, "it")}`);
  }
  return { content: text === undefined ? [] : [Content.text(text)], structured: value as object };
}

/** Takes the part for programs of an answer of a tool that has no schema of it. */
function forPrograms(answer: unknown): { structured?: object } {
  if (typeof answer !== "object" || answer === null || "type" in answer) return {};
  const { structured } = answer as Output;
  if (structured === undefined) return {};
  if (typeof structured === "object" && structured !== null && !Array.isArray(structured)) return { structured };
  throw failed("the answer's `structured` is no object");
}

function pieces(answer: unknown): readonly Content[] {
  if (answer === undefined) return [];
  if (typeof answer === "string") return [Content.text(answer)];
  if (Array.isArray(answer)) return answer as Content[];
  if (typeof answer === "object" && answer !== null) {
    if ("type" in answer) return [answer as Content];
    if ("content" in answer) return (answer as Output).content;
  }
  throw failed("the answer is nothing to read: give a text, or say with `output` what it is");
}
