// Calls the fixtures as a program does that is written with the TypeScript SDK of MCP.
//
//     client.mjs REVISION http URL [TOKEN]
//     client.mjs REVISION stdio PROGRAM ARGUMENT...
//
// Prints one line for each claim, `PASS claim` or `FAIL claim: why`, and `END` when all were looked at.
// `client.py` makes the same claims. The SDK is found beside this file: it is copied to where that is.

import { isDeepStrictEqual } from "node:util";

import { Client, ProtocolErrorCode, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

// Milliseconds for anything that has to happen; the suite around this gives it minutes.
const PATIENCE = 20_000;

const [revision, kind, ...rest] = process.argv.slice(2);
const isModern = revision >= "2026";

function transport() {
  if (kind === "stdio") return new StdioClientTransport({ command: rest[0], args: rest.slice(1) });
  const [url, token] = rest;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}

let tellNews;
const news = new Promise((resolve) => (tellNews = resolve));

const client = new Client(
  { name: "ax-accept", version: "1" },
  {
    capabilities: { elicitation: {} },
    versionNegotiation: { mode: isModern ? "auto" : "legacy" },
    listChanged: { tools: { autoRefresh: false, onChanged: tellNews } },
  },
);

// Answers whatever is asked, by its type.
client.setRequestHandler("elicitation/create", async ({ params }) => {
  const members = Object.entries(params.requestedSchema.properties);
  const said = members.map(([name, { type }]) => [name, type === "boolean" ? true : "Ada"]);
  return { action: "accept", content: Object.fromEntries(said) };
});

const call = (name, args = {}, options) => client.callTool({ name, arguments: args }, options);

async function textOf(name, args) {
  const { isError = false, content } = await call(name, args);
  return [isError, content[0].text];
}

function equal(got, wanted, what = "") {
  if (!isDeepStrictEqual(got, wanted)) {
    throw new Error(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)} ${what}`);
  }
}

const toolAnswers = async () => equal(await textOf("greet", { name: "Ada ☂" }), [false, "Hello, Ada ☂!"]);

const claims = {
  "speaks the revision": async () => equal(client.getNegotiatedProtocolVersion(), revision),

  "lists the tools": async () => {
    const { tools } = await client.listTools();
    const names = tools.map((tool) => tool.name);
    equal(names, [...names].sort());
    equal(tools.find((tool) => tool.name === "greet").inputSchema.required, ["name"]);
  },

  "calls a tool": toolAnswers,

  "gets content of each form": async () => {
    const { content } = await call("test_multiple_content_types");
    equal(content.map((piece) => piece.type), ["text", "image", "resource"]);
  },

  "hears how far it is": async () => {
    const heard = [];
    const onprogress = ({ progress, total }) => heard.push([progress, total]);
    await call("test_tool_with_progress", {}, { onprogress });
    equal(heard, [[0, 100], [50, 100], [100, 100]]);
  },

  "reads why a tool failed": async () => {
    const [isError, text] = await textOf("test_error_handling");
    equal([isError, text.includes("intentionally returns an error")], [true, true], text);
  },

  "reads which arguments do not fit": async () => {
    const [isError, text] = await textOf("greet", { nome: "Ada" });
    equal([isError, text.includes("`name`"), text.includes("`nome`")], [true, true, true], text);
  },

  "is told that there is no such tool": async () => {
    const error = await call("there_is_none").then(() => undefined, (error) => error);
    equal(error?.code, ProtocolErrorCode.InvalidParams);
  },

  "is asked before a tool answers": async () => {
    const [isError, text] = isModern
      ? await textOf("test_input_required_result_multi_round")
      : await textOf("test_elicitation", { message: "Who are you?" });
    equal([isError, text.includes("Ada")], [false, true], text);
  },

  "hears that there are other tools": async () => {
    await call("test_trigger_tool_change");
    await news;
  },

  "cancels a call and goes on": async () => {
    const abort = new AbortController();
    const options = { signal: abort.signal, onprogress: () => abort.abort() };
    const ended = await call("test_waiting", {}, options).then(() => "answered", () => "cancelled");
    equal(ended, "cancelled");
    await toolAnswers();
  },
};

await client.connect(transport());
for (const [claim, check] of Object.entries(claims)) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("it took too long")), PATIENCE);
  });
  try {
    await Promise.race([check(), late]);
    console.log(`PASS ${claim}`);
  } catch (error) {
    console.log(`FAIL ${claim}: ${error}`.replaceAll("\n", " "));
  }
  clearTimeout(timer);
}
console.log("END");
await client.close();
process.exit(0);
