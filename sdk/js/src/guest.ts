// Between the types of this SDK and those of the world. Only in the sandbox: what the component
// exports is made here.

import type { Content } from "./answer.ts";
import { AxError, invalid, messageOf, notFound } from "./error.ts";
import { begin, install } from "./globals.ts";
import * as log from "./log.ts";
import type { Plugin } from "./plugin.ts";
import { located } from "./stack.ts";

/** Makes the exports of a component of a plugin. */
export function guest(plugin: Plugin) {
  return {
    tools: {
      describe: () => [...plugin.tools.values()].map(described),
      call: (name: string, input: string) => told(() => answered(plugin, name, input)),
    },
    lifecycle: {
      migrate: (from: string, to: string) => told(() => plugin.migrate(from, to)),
    },
  };
}

type Tools = Plugin["tools"];
type Described = Tools extends ReadonlyMap<string, infer T> ? T : never;

function described(tool: Described) {
  const { name, title, description, inputSchema, outputSchema, annotations } = tool;
  return {
    name,
    title: title ?? null,
    description,
    inputSchema: JSON.stringify(inputSchema),
    outputSchema: outputSchema === undefined ? null : JSON.stringify(outputSchema),
    annotations: {
      readOnly: annotations.readOnly ?? false,
      destructive: annotations.destructive ?? false,
      idempotent: annotations.idempotent ?? false,
      openWorld: annotations.openWorld ?? false,
      extra: null,
    },
    extra: null,
  };
}

function answered({ tools }: Plugin, name: string, input: string) {
  const tool = tools.get(name);
  if (tool === undefined) throw notFound(name, `there is no tool \`${name}\``);
  const { content, structured } = tool.answer(parsed(input));
  return {
    content: content.map(piece),
    structured: structured === undefined ? null : json(structured),
    extra: null,
  };
}

function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch (error) {
    throw invalid("", `the input is no JSON: ${messageOf(error)}`);
  }
}

function piece(content: Content) {
  switch (content.type) {
    case "text":
      return { tag: "text", val: wellFormed(content.text) };
    case "link": {
      const { uri, name, mediaType, description } = content;
      const [kind, words] = [mediaType, description].map((it) => (it == null ? null : wellFormed(it)));
      const val = { uri: wellFormed(uri), name: wellFormed(name), mediaType: kind, description: words };
      return { tag: "link", val: { ...val, extra: null } };
    }
    default: {
      const { type, mediaType, data } = content;
      return { tag: type, val: { mediaType: wellFormed(mediaType), data, extra: null } };
    }
  }
}

/** Runs what a caller asked for; what it throws is told as the world tells errors. */
function told<T>(run: () => T): T {
  install();
  begin();
  try {
    return run();
  } catch (thrown) {
    const error = thrown instanceof AxError ? thrown : unforeseen(thrown);
    const [data, trouble] = dataOf(error);
    throw {
      kind: error.kind,
      message: wellFormed(`${error.message}${trouble}`),
      code: wellFormed(error.code),
      retryAfterMs: error.retryAfterMs ?? null,
      data,
    };
  }
}

/** Returns the data of an error, or what is wrong with them: the error itself is not lost for that. */
function dataOf({ data }: AxError): [data: string | null, trouble: string] {
  if (data === undefined) return [null, ""];
  try {
    return [json(data), ""];
  } catch (error) {
    return [null, ` (the data of this error are no JSON: ${messageOf(error)})`];
  }
}

/** Writes JSON that every reader takes. */
function json(value: object): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError("it has no form in JSON");
  if (!text.includes("\\ud")) return text;
  // Halves of characters are all that is written like this.
  return text.replace(/\\(?:ud[89a-f][0-9a-f]{2}|[^])/g, (it) => (it.length > 2 ? "\ufffd" : it));
}

/** Replaces halves of characters by U+FFFD: other languages have no such texts. */
function wellFormed(text: string): string {
  return String(text).toWellFormed();
}

/** Where it happened is for the author, who reads the log, and not for the caller. */
function unforeseen(thrown: unknown): AxError {
  const message = messageOf(thrown);
  const stack = thrown instanceof Error ? located(thrown.stack ?? "") : "";
  log.error(stack === "" ? message : `${message}\n${stack}`);
  return new AxError("failed", message, { cause: thrown });
}
