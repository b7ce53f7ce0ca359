// Text as bytes and back. The engine has no `TextEncoder`; its own URI functions know UTF-8.

/** Characters that are put together at a time: more would not fit the stack. */
const PIECE = 4096;

/** Returns the bytes of a text. */
export function encode(text: string): Uint8Array {
  const units = unescape(encodeURIComponent(text.toWellFormed()));
  // Not `Uint8Array.from`, which makes a list of them first: sixteen times the memory.
  const bytes = new Uint8Array(units.length);
  for (let at = 0; at < units.length; at += 1) bytes[at] = units.charCodeAt(at);
  return bytes;
}

/**
 * Returns the text of bytes.
 *
 * @throws URIError when they are not UTF-8.
 */
export function decode(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return decodeURIComponent(escape(text));
}
