// Calls what the product carries as tasks: agents, workflows, and a tool that a person has to allow.
//
//     tasks.mjs PROGRAM HOME TOKEN OTHER-TOKEN
//
// Starts `ax mcp serve` over HTTP itself, since one claim is about a server that is killed. Speaks the protocol by
// hand: the SDKs know no tasks yet. Prints one line for each claim, `PASS claim` or `FAIL claim: why`, and
// `END` when all were looked at.

import { execFileSync, spawn } from "node:child_process";
import { isDeepStrictEqual } from "node:util";

// Milliseconds for anything that has to happen; the suite around this gives it minutes.
const PATIENCE = 20_000;
// Milliseconds between two looks.
const LOOK = 50;

const REVISION = "2026-07-28";
const TASKS = { extensions: { "io.modelcontextprotocol/tasks": {} } };

const [program, home, token, other] = process.argv.slice(2);

const ax = (...words) => JSON.parse(execFileSync(program, ["--home", home, ...words, "--json"]));

function equal(got, wanted, what = "") {
  if (!isDeepStrictEqual(got, wanted)) {
    throw new Error(`wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)} ${what}`);
  }
}

async function serve() {
  const words = ["--home", home, "mcp", "serve", "--http", "127.0.0.1:0", "--json"];
  const server = spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
  const line = await new Promise((resolve) => server.stdout.once("data", resolve));
  const ended = new Promise((resolve) => server.once("exit", resolve));
  return { server, ended, url: JSON.parse(line).url };
}

let served = await serve();

async function ask(method, params, { by = token, able = TASKS } = {}) {
  const headers = {
    Accept: "application/json, text/event-stream",
    Authorization: `Bearer ${by}`,
    "Content-Type": "application/json",
    "MCP-Protocol-Version": REVISION,
    "Mcp-Method": method,
  };
  const name = params.name ?? params.taskId;
  if (name) headers["Mcp-Name"] = name;
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": { name: "ax-accept", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": able,
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } });
  const signal = AbortSignal.timeout(PATIENCE);
  const answer = await fetch(served.url, { method: "POST", headers, body, signal });
  return answer.json();
}

const call = (name, args, options) => ask("tools/call", { name, arguments: args }, options);
const get = async (taskId, options) => (await ask("tasks/get", { taskId }, options)).result;

async function begun(name, args) {
  const { result } = await call(name, args);
  equal([result.resultType, result.status], ["task", "working"]);
  return result.taskId;
}

async function until(isSo) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await isSo();
    if (found) return found;
    if (Date.now() > end) throw new Error("it takes too long");
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

const ended = (taskId) =>
  until(async () => {
    const task = await get(taskId);
    return ["completed", "failed", "cancelled"].includes(task.status) && task;
  });

async function isOffered() {
  const { result } = await ask("tools/list", {});
  const names = result.tools.map((tool) => tool.name);
  for (const name of ["test_jobs_slow-compute", "workflow_confirm-delete", "ax_notes_remove"]) {
    if (!names.includes(name)) throw new Error(`${name} is not among ${names}`);
  }
}

async function comesToItsEnd() {
  const task = await ended(await begun("test_jobs_slow-compute", { seconds: 0, label: "pi" }));
  equal([task.status, task.result.content[0].text], ["completed", "computed pi in 0 s"]);
}

async function waitsWithoutTasks() {
  const { result } = await call("test_jobs_greet-later", { name: "Ada" }, { able: {} });
  equal([result.resultType, result.content[0].text], ["complete", "Hello, Ada!"]);
}

async function failsAsAResult() {
  const task = await ended(await begun("test_jobs_failing-job", {}));
  equal([task.status, task.result.isError], ["completed", true]);
}

async function isCancelled() {
  const taskId = await begun("test_jobs_slow-compute", { seconds: 3600 });
  equal((await ask("tasks/cancel", { taskId })).result.resultType, "complete");
  equal((await ended(taskId)).status, "cancelled");
}

async function isItsOwners() {
  const taskId = await begun("test_jobs_slow-compute", { seconds: 3600 });
  for (const method of ["tasks/get", "tasks/cancel"]) {
    const refused = await ask(method, { taskId }, { by: other });
    const never = await ask(method, { taskId: "00000000-0000-7000-8000-000000000000" });
    equal(refused, never, method);
    equal(refused.error.code, -32602, method);
  }
  equal((await get(taskId)).status, "working");
  await ask("tasks/cancel", { taskId });
}

async function outlivesAKill() {
  const taskId = await begun("test_jobs_slow-compute", { seconds: 1, label: "twice" });
  const done = await ended(await begun("test_jobs_slow-compute", { seconds: 0, label: "once" }));
  served.server.kill("SIGKILL");
  await served.ended;
  served = await serve();
  equal((await ended(taskId)).result.content[0].text, "computed twice in 1 s");
  equal((await get(done.taskId)).result, done.result, "of the one that was over");
}

const question = (taskId) =>
  until(async () => (await get(taskId)).statusMessage?.match(/ax approve yes ([^ ,]+)/)?.[1]);

async function waitsForAPerson() {
  const { result } = await call("ax_notes_add", { title: "to be removed" }, { able: {} });
  const { id } = result.structuredContent;
  const refused = await begun("ax_notes_remove", { id });
  ax("approve", "no", await question(refused));
  equal((await ended(refused)).result.isError, true);
  equal((await call("ax_notes_get", { id })).result.isError ?? false, false);
  const allowed = await begun("ax_notes_remove", { id });
  ax("approve", "yes", await question(allowed));
  equal((await ended(allowed)).result.isError ?? false, false);
  equal((await call("ax_notes_get", { id })).result.isError, true);
}

const claims = {
  "agents, workflows and tools are in one list": isOffered,
  "a task comes to its end, and its result with it": comesToItsEnd,
  "who knows no tasks waits for one": waitsWithoutTasks,
  "a failure is a result": failsAsAResult,
  "a task is cancelled": isCancelled,
  "a task is there for the token that began it": isItsOwners,
  "tasks outlive a server that is killed": outlivesAKill,
  "a tool that destroys waits for `ax approve`": waitsForAPerson,
};

for (const [claim, holds] of Object.entries(claims)) {
  try {
    await holds();
    console.log(`PASS ${claim}`);
  } catch (error) {
    console.log(`FAIL ${claim}: ${error.message.replaceAll("\n", " ")}`);
  }
}
console.log("END");
served.server.kill("SIGTERM");
await served.ended;
