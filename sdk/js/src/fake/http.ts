// Plays `ax:http/client`: the test's own function answers.

import type host from "ax:http/client@0.1.0";
import type { HostRequest, HostResponse } from "ax:http/client@0.1.0";

import { AxError } from "../error.ts";
import { world } from "./world.ts";

function answer({ method, url, headers, body, ...bounds }: HostRequest): HostResponse {
  const { redirects, timeoutMs, bodyBytesMax } = bounds;
  const request = {
    method,
    url,
    headers: Object.fromEntries(headers),
    redirects,
    bodyBytesMax,
    ...(body === null ? {} : { body }),
    ...(timeoutMs === null ? {} : { timeoutMs }),
  };
  world.sent.push(request);
  if (world.server === undefined) {
    throw new AxError("unavailable", `nobody answers \`${url}\`: set a server with \`fake.http\``);
  }
  const response = world.server(request);
  return { ...response, url: response.url === "" ? url : response.url };
}

const fake: typeof host = {
  send: answer,
  sendAll: (requests) =>
    requests.map((request) => {
      try {
        return { tag: "ok", val: answer(request) };
      } catch (error) {
        if (!(error instanceof AxError)) throw error;
        const { kind, message, code, retryAfterMs = null } = error;
        return { tag: "err", val: { kind, message, code, retryAfterMs, data: null } };
      }
    }),
};

export default fake;
