// {{name}}: a notebook. What is remembered stays until it is forgotten.

import { invalid, notFound, plugin, t, tool } from "ax";
import * as kv from "ax/kv";

export const remember = tool(
  {
    name: "remember",
    description: "Remembers a text under a key, in place of what was there before.",
    destructive: true,
    idempotent: true,
    input: { key: t.string("What to find it by."), text: t.string("What is remembered.") },
  },
  ({ key, text }) => {
    if (key.trim() === "") throw invalid("key", "nothing is found again without a key");
    kv.put(key, text);
    return `Remembered ${key}.`;
  },
);

export const recall = tool(
  {
    name: "recall",
    description: "Returns the text that is remembered under a key.",
    readOnly: true,
    idempotent: true,
    input: { key: t.string("What it was remembered by.") },
  },
  ({ key }) => {
    const text = kv.get<string>(key);
    if (text === undefined) throw notFound(key, `nothing is remembered as \`${key}\``);
    return text;
  },
);

export const forget = tool(
  {
    name: "forget",
    description: "Forgets what is remembered under a key; content when nothing is.",
    destructive: true,
    idempotent: true,
    input: { key: t.string("What it was remembered by.") },
  },
  ({ key }) => {
    kv.remove(key);
    return `Forgot ${key}.`;
  },
);

export const list = tool(
  {
    name: "list",
    description: "Lists the keys under which something is remembered, sorted.",
    readOnly: true,
    idempotent: true,
    input: { prefix: t.string("Lists only keys that begin with this.").optional() },
    output: { keys: t.array(t.string(), "The keys, sorted.") },
  },
  ({ prefix }) => {
    const keys = kv.keys(prefix);
    return [keys.join("\n"), { keys }];
  },
);

export default plugin({ tools: [remember, recall, forget, list] });
