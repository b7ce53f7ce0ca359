// What a test has set up and what the plugin did.

import type { Request, Response } from "../http.ts";
import type { Entry } from "../kv.ts";
import type { Fields, Level } from "../log.ts";
import type { Info } from "../task.ts";

/** A line of the log. */
export interface Line {
  /** How much it matters. */
  readonly level: Level;
  /** The text. */
  readonly message: string;
  /** Names and values that go with it. */
  readonly fields: Fields;
}

/** A report of how far the call is. */
export interface Progress {
  /** Units done. */
  readonly done: number;
  /** Units in all, where known. */
  readonly total: number | undefined;
  /** One line for people. */
  readonly note: string;
}

/** Answers requests. */
export type Server = (request: Request) => Response;

const CALL: Info = { id: "test", task: undefined, attempt: 1, depth: 0, leftMs: undefined };

function empty() {
  return {
    config: new Map<string, unknown>(),
    kv: new Map<string, Entry>(),
    version: 0,
    secrets: new Set<string>(),
    log: [] as Line[],
    progress: [] as Progress[],
    call: CALL,
    cancelled: false,
    server: undefined as Server | undefined,
    sent: [] as Request[],
  };
}

/** The world that the running test has to itself. */
export const world = empty();

/** Empties the world. */
export function reset(): void {
  Object.assign(world, empty());
}
