// What goes wrong in a tool, as far as the caller can act on it.

/**
 * What to do about an error.
 *
 * | kind | meaning | code |
 * |---|---|---|
 * | `invalid` | the request is wrong and stays wrong | the member, as `items[3].id` |
 * | `denied` | not granted | the missing permission |
 * | `exhausted` | granted, but a limit is used up | the limit's name |
 * | `not-found` | there is no such thing | what was looked for |
 * | `conflict` | something changed in between: read again, then try again | |
 * | `unavailable` | not now; trying again later may succeed | |
 * | `failed` | it failed | |
 * | `in-doubt` | it may have happened or not, and nobody can tell | |
 * | `cancelled` | somebody asked to stop, and it stopped | |
 * | `other` | newer than this SDK | what it is |
 */
export type ErrorKind =
  | "invalid"
  | "denied"
  | "exhausted"
  | "not-found"
  | "conflict"
  | "unavailable"
  | "failed"
  | "in-doubt"
  | "cancelled"
  | "other";

/** What an error may say beside its message. */
export interface ErrorDetails {
  /** A word for programs, as the kind says; at most 256 bytes. */
  readonly code?: string;
  /** Details for programs. */
  readonly data?: object;
  /** Milliseconds to wait before asking again. */
  readonly retryAfterMs?: number;
  /** What it came from. */
  readonly cause?: unknown;
}

/** Why a tool gives no answer. Anything else that is thrown becomes one of the kind `failed`. */
export class AxError extends Error {
  /** What to do about it. */
  readonly kind: ErrorKind;
  /** A word for programs; empty when there is none. */
  readonly code: string;
  /** Details for programs. */
  readonly data: object | undefined;
  /** Milliseconds to wait before asking again. */
  readonly retryAfterMs: number | undefined;

  /** Makes an error of a kind; the message is one sentence for a person, without secrets. */
  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "AxError";
    this.kind = kind;
    this.code = details.code ?? "";
    this.data = details.data;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The request is wrong and stays wrong. `member` names what is, as `folder` or `items[3].id`. */
export function invalid(member: string, message: string): AxError {
  return new AxError("invalid", message, { code: member });
}

/** There is nothing of this name. */
export function notFound(name: string, message: string): AxError {
  return new AxError("not-found", message, { code: name });
}

/** It failed, and there is no better word for it. */
export function failed(message: string, cause?: unknown): AxError {
  return new AxError("failed", message, { cause });
}

/** Says what was thrown in one line, causes included. */
export function messageOf(thrown: unknown): string {
  const parts: string[] = [];
  // A cause may lead back to where it came from.
  for (let next = thrown; next !== undefined && parts.length < 8; ) {
    if (!(next instanceof Error)) {
      parts.push(String(next));
      break;
    }
    const isPlain = next instanceof AxError || next.name === "Error";
    parts.push(isPlain ? next.message : `${next.name}: ${next.message}`);
    next = next.cause;
  }
  return parts.join(": ");
}
