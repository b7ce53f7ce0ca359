// What is going on around the running call.

import host from "ax:task/call@0.1.1";

/** The running call. */
export interface Info {
  /** Names it in the operator's audit. */
  readonly id: string;
  /** The task it is a step of; `undefined` outside tasks. */
  readonly task: string | undefined;
  /** Counts from 1. */
  readonly attempt: number;
  /** Plugins between this call and whoever began it. */
  readonly depth: number;
  /** Milliseconds that are left of its wall clock; `undefined` where nothing ends it. */
  readonly leftMs: number | undefined;
}

/** Returns what is known of the running call. */
export function current(): Info {
  const { id, task, attempt, depth, deadlineMs } = host.current();
  return { id, task: task ?? undefined, attempt, depth, leftMs: deadlineMs ?? undefined };
}

/** Says how far the call is: units done, units in all where known, and one line for people. */
export function progress(done: number, total: number | undefined, note: string): void {
  host.progress(done, total ?? null, note);
}

/** Answers whether somebody asked to stop. A call that does not has little time left then. */
export function cancelled(): boolean {
  return host.cancelled();
}
