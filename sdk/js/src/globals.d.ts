// What there is beside the language itself: no DOM, no Node.js, no timers, no `fetch`.

/** Writes to the log: `log` and `info` for the operator, `debug` for the plugin's author. */
declare const console: {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};

/** Makes UTF-8 of text. */
declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
}

/** Makes text of UTF-8; bytes that are none are an error. */
declare class TextDecoder {
  readonly encoding: "utf-8";
  decode(bytes?: Uint8Array | ArrayBuffer): string;
}

/** Makes base64 of a text of bytes. */
declare function btoa(text: string): string;

/** Makes a text of bytes of base64. */
declare function atob(text: string): string;
