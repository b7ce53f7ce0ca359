// Calls of the host that can fail: what it says becomes an AxError.

import { AxError, type ErrorKind } from "./error.ts";

/** An error as the host tells it: `ax:types/types.error`. */
export interface HostError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly code: string;
  readonly retryAfterMs?: number | null;
  readonly data?: string | null;
}

/** Runs a call of the host. */
export function asked<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const payload = (thrown as { payload?: HostError }).payload;
    throw payload === undefined ? thrown : errorOf(payload);
  }
}

/** Reads what the host says. */
export function errorOf({ kind, message, code, retryAfterMs, data }: HostError): AxError {
  return new AxError(kind, message, {
    code,
    ...(retryAfterMs == null ? {} : { retryAfterMs }),
    ...(data == null ? {} : { data: JSON.parse(data) }),
  });
}
