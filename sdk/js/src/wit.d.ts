// What the engine offers for the interfaces of the host, whose words are in `.ax/wit`.

declare module "ax:log/log@0.1.0" {
  const host: {
    write(
      level: "trace" | "debug" | "info" | "warn" | "error",
      message: string,
      fields: [string, string][],
    ): void;
  };
  export default host;
}

declare module "ax:config/config@0.1.0" {
  const host: { get(key: string): string | null; all(): string };
  export default host;
}

declare module "ax:task/call@0.1.1" {
  interface Info {
    id: string;
    task: string | null;
    attempt: number;
    depth: number;
    deadlineMs: number | null;
  }
  const host: {
    current(): Info;
    progress(done: number, total: number | null, note: string): void;
    cancelled(): boolean;
  };
  export default host;
}

declare module "ax:secrets/secrets@0.1.0" {
  const host: { isSet(name: string): boolean };
  export default host;
}

declare module "ax:kv/store@0.1.0" {
  interface Entry {
    key: string;
    value: Uint8Array;
    version: number;
  }
  type Condition = { tag: "always" | "absent" } | { tag: "at-version"; val: number };
  type HostChange =
    | { tag: "put"; val: { key: string; value: Uint8Array; when: Condition } }
    | { tag: "remove"; val: { key: string; when: Condition } };
  const host: {
    get(key: string): Entry | null;
    scan(
      prefix: string,
      limit: number,
      cursor: string | null,
    ): { entries: Entry[]; next: string | null };
    write(changes: HostChange[]): number;
    usage(): { keys: number; bytes: number; keysMax: number; bytesMax: number };
  };
  export { type HostChange };
  export default host;
}

declare module "ax:http/client@0.1.0" {
  interface HostRequest {
    method: string;
    url: string;
    headers: [string, string][];
    body: Uint8Array | null;
    redirects: number;
    timeoutMs: number | null;
    bodyBytesMax: number;
  }
  interface HostResponse {
    status: number;
    url: string;
    headers: readonly (readonly [string, string])[];
    body: Uint8Array;
  }
  interface HostError {
    kind: import("./error.ts").ErrorKind;
    message: string;
    code: string;
    retryAfterMs: number | null;
    data: string | null;
  }
  type Outcome = { tag: "ok"; val: HostResponse } | { tag: "err"; val: HostError };
  const host: {
    send(request: HostRequest): HostResponse;
    sendAll(requests: HostRequest[]): Outcome[];
  };
  export { type HostRequest, type HostResponse };
  export default host;
}

declare module "ax:model/chat@0.1.0" {
  interface Media {
    mediaType: string;
    data: Uint8Array;
    extra: string | null;
  }
  interface ToolCall {
    id: string;
    name: string;
    input: string;
  }
  type ResultPart = { tag: "text" | "other"; val: string } | { tag: "image"; val: Media };
  interface ToolResult {
    id: string;
    name: string;
    parts: ResultPart[];
    isError: boolean;
  }
  type Content =
    | { tag: "text" | "reasoning" | "other"; val: string }
    | { tag: "image" | "file"; val: Media }
    | { tag: "tool-call"; val: ToolCall }
    | { tag: "tool-result"; val: ToolResult };
  interface Part {
    content: Content;
    opaque: { owner: string; data: string } | null;
  }
  interface Message {
    role: "system" | "user" | "assistant" | "tool" | "other";
    name: string | null;
    parts: Part[];
  }
  interface ModelRequest {
    model: string | null;
    messages: Message[];
    tools: { name: string; description: string; inputSchema: string }[];
    toolChoice: { tag: "auto" | "required" | "forbidden" } | { tag: "named" | "other"; val: string };
    outputSchema: string | null;
    maxTokens: number | null;
    temperature: number | null;
    topP: number | null;
    stop: string[];
    extra: string | null;
  }
  interface ModelResponse {
    id: string;
    provider: string;
    model: string;
    message: Message;
    finish: "stop" | "length" | "tool-calls" | "content-filter" | "refusal" | "other";
    usage: {
      input: number;
      output: number;
      cacheRead: number;
      cacheWrite: number;
      reasoning: number;
      costMicroUsd: number | null;
      estimated: boolean;
    };
    extra: string | null;
  }
  interface ModelInfo {
    name: string;
    tier: string | null;
    contextTokens: number | null;
    outputTokens: number | null;
    vision: boolean;
    tools: boolean;
    extra: string | null;
  }
  interface HostError {
    kind: import("./error.ts").ErrorKind;
    message: string;
    code: string;
    retryAfterMs: number | null;
    data: string | null;
  }
  type Outcome = { tag: "ok"; val: ModelResponse } | { tag: "err"; val: HostError };
  type Chunk =
    | { tag: "text" | "reasoning" | "other"; val: string }
    | { tag: "tool-call"; val: ToolCall }
    | { tag: "done"; val: ModelResponse };
  interface Chunks {
    next(): Chunk | null;
  }
  const host: {
    models(): ModelInfo[];
    complete(request: ModelRequest): ModelResponse;
    completeAll(requests: ModelRequest[]): Outcome[];
    begin(request: ModelRequest): Chunks;
    countTokens(request: ModelRequest): number;
  };
  export { type Chunk, type Message, type ModelRequest, type ModelResponse };
  export default host;
}
