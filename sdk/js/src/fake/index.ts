// The host, played for tests that run without a sandbox.
//
// No permission is checked and no limit is enforced here: `ax test` runs the same plugin in the real
// sandbox.

import { Response } from "../http.ts";
import type { Info } from "../task.ts";
import { encode } from "../utf8.ts";
import { type Line, type Progress, type Server, reset, world } from "./world.ts";

export { type Line, type Progress, type Server, reset };

/** Sets what the operator would have set. */
export function config(key: string, value: unknown): void {
  world.config.set(key, value);
}

/** Sets a secret, of which the plugin sees only that it is there. */
export function secret(name: string): void {
  world.secrets.add(name);
}

/** Answers requests by a function. */
export function http(server: Server): void {
  world.server = server;
}

/** Makes an answer for {@link http}: text as it is, other values as JSON. */
export function page(status: number, body: unknown = ""): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Response({ status, url: "", headers: [], body: encode(text) });
}

/** Asks the running call to stop. */
export function cancel(): void {
  world.cancelled = true;
}

/** Sets what is known of the running call. */
export function call(info: Partial<Info>): void {
  world.call = { ...world.call, ...info };
}

/** Takes the lines that were logged. */
export function logged() {
  return world.log.splice(0);
}

/** Takes the requests that were sent. */
export function sent() {
  return world.sent.splice(0);
}

/** Takes what was said of progress. */
export function progress() {
  return world.progress.splice(0);
}
