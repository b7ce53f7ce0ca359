// Requests over HTTP, within the grant: 32 a call, 8 MiB sent, 32 MiB received.
//
// Needs `net` in plugin.toml. Secrets are never set here: the host puts them into requests toward the
// places they are granted for. `fetch` is not offered, since the host answers at once.

import host, { type HostRequest, type HostResponse } from "ax:http/client@0.1.0";

import { check } from "./check.ts";
import { AxError, type ErrorKind, failed } from "./error.ts";
import { asked, errorOf } from "./host.ts";
import type { Schema } from "./schema.ts";
import { decode, encode } from "./utf8.ts";

/** Bytes of an answer's body that are taken unless a request says otherwise. */
const BODY_BYTES_MAX = 1 << 20;

/** What a request may say beside where it goes. */
export interface Options {
  /** Names and values. */
  readonly headers?: { readonly [name: string]: string };
  /** What is sent: bytes, or text as UTF-8. */
  readonly body?: Uint8Array | string;
  /** What is sent as JSON, with the header that says so; instead of `body`. */
  readonly json?: unknown;
  /** Redirects that are followed, 0 to 10, each checked against the grant; none unless set. */
  readonly redirects?: number;
  /** Milliseconds that the whole exchange may take; the call's own deadline unless set. */
  readonly timeoutMs?: number;
  /** Bytes of the answer's body that are taken; a longer one fails. 1 MiB unless set. */
  readonly bodyBytesMax?: number;
}

/** A request. */
export interface Request extends Options {
  /** As `GET`. */
  readonly method: string;
  /** An absolute `http` or `https` URL. */
  readonly url: string;
}

/** An answer, whatever its status. */
export class Response {
  /** As 200 or 404. */
  readonly status: number;
  /** Where it came from, redirects followed. */
  readonly url: string;
  /** Names in lower case, and values, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body, decoded. */
  readonly body: Uint8Array;

  /** Made by {@link send}, and by tests. */
  constructor({ status, url, headers, body }: HostResponse) {
    this.status = status;
    this.url = url;
    this.headers = headers;
    this.body = body;
  }

  /** Returns the first header of this name, in any case. */
  header(name: string): string | undefined {
    return this.headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
  }

  /**
   * Insists on a status from 200 to 299.
   *
   * @throws {@link AxError} with the status as code: `not-found` for 404 and 410, `unavailable` for 429
   * and from 500 on, `failed` for others.
   */
  ok(): this {
    const { status } = this;
    if (status >= 200 && status <= 299) return this;
    const isGone = status === 404 || status === 410;
    const isBusy = status === 429 || status >= 500;
    const kind: ErrorKind = isGone ? "not-found" : isBusy ? "unavailable" : "failed";
    throw new AxError(kind, `${this.url} answered ${status}`, { code: String(status) });
  }

  /** Returns the body as text; throws when it is not UTF-8. */
  text(): string {
    try {
      return decode(this.body);
    } catch (error) {
      throw failed(`${this.url} sent no text`, error);
    }
  }

  /**
   * Reads the body as JSON, and checks it where a schema is given: `answer.json(t.object({ … }))`
   * refuses members it does not name.
   */
  json<T = unknown>(schema?: Schema<T>): T {
    try {
      const value = JSON.parse(this.text());
      if (schema !== undefined) check(schema.json, value);
      return value;
    } catch (error) {
      throw failed(`${this.url} sent other JSON`, error);
    }
  }
}

/** Sends a request that only reads; any status is an answer. */
export function get(url: string, options: Options = {}): Response {
  return send({ ...options, method: "GET", url });
}

/** Sends a request that sends something; any status is an answer. */
export function post(url: string, options: Options = {}): Response {
  return send({ ...options, method: "POST", url });
}

/**
 * Sends a request and waits for the answer; any status is an answer.
 *
 * @throws {@link AxError} of the kind `denied` with the missing permission, and whatever failed on the
 * way.
 */
export function send(request: Request): Response {
  return new Response(asked(() => host.send(wanted(request))));
}

/** Sends requests at the same time; answers and errors come in the order of the requests. */
export function sendAll(requests: readonly Request[]): (Response | AxError)[] {
  const answers = host.sendAll(requests.map(wanted));
  return answers.map((it) => (it.tag === "ok" ? new Response(it.val) : errorOf(it.val)));
}

function wanted({ method, url, headers = {}, body, json, ...bounds }: Request): HostRequest {
  const all: [string, string][] = Object.entries(headers);
  if (json !== undefined) all.push(["content-type", "application/json"]);
  const sent = json === undefined ? body : JSON.stringify(json);
  return {
    method,
    url,
    headers: all,
    body: sent === undefined ? null : typeof sent === "string" ? encode(sent) : sent,
    redirects: bounds.redirects ?? 0,
    timeoutMs: bounds.timeoutMs ?? null,
    bodyBytesMax: bounds.bodyBytesMax ?? BODY_BYTES_MAX,
  };
}
