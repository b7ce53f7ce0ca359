import { AxError, config, Content, failed, log, plugin, t, task, tool } from "ax";
import { equal, fake, test, throws } from "ax/testing";

import { guest } from "../.ax/sdk/src/guest.ts";

const NO_MORE = { extra: null };

/** Calls a tool as the host does, and gives what it answers or throws. */
function called(run: () => unknown, output?: object): unknown {
  const about = { name: "it", description: "It.", ...(output === undefined ? {} : { output }) };
  // The types would not let most of what is tried here through.
  const made = (tool as Function)(about, run);
  try {
    return guest(plugin({ tools: [made] })).tools.call("it", "{}");
  } catch (error) {
    return error;
  }
}

test("whatever is readable becomes pieces", () => {
  const text = (text: string) => ({ tag: "text", val: text });
  const answers = (answer: unknown, content: unknown[]) =>
    equal(called(() => answer), { content, structured: null, ...NO_MORE });
  answers("a", [text("a")]);
  answers(undefined, []);
  answers([Content.text("a"), Content.text("b")], [text("a"), text("b")]);
  const data = new Uint8Array([1]);
  const media = { mediaType: "image/png", data, ...NO_MORE };
  answers(Content.image("image/png", data), [{ tag: "image", val: media }]);
  const link = { uri: "https://a.b", name: "b", mediaType: null, description: "B", ...NO_MORE };
  answers(Content.link("https://a.b", "b", { description: "B" }), [{ tag: "link", val: link }]);
});

test("what is for programs is checked before it is sent", () => {
  const output = { n: t.integer() };
  equal(called(() => ({ n: 1 }), output), { content: [], structured: '{"n":1}', ...NO_MORE });
  equal(called(() => ["one", { n: 1 }], output), {
    content: [{ tag: "text", val: "one" }],
    structured: '{"n":1}',
    ...NO_MORE,
  });
  const { kind, message } = called(() => ({ n: "1" }), output) as AxError;
  const why = 'the answer does not fit its schema: `n`: expected a whole number, got "1"';
  equal([kind, message], ["failed", why]);
  const none = called(() => ({ n: NaN }), { n: t.number() }) as AxError;
  equal(none.message, "the answer does not fit its schema: `n`: expected a number, got NaN");
});

test("what is for programs is sent without a schema too", () => {
  const answer = (structured: unknown) => called(() => ({ content: [], structured }));
  equal(answer({ n: 1 }), { content: [], structured: '{"n":1}', ...NO_MORE });
  const { kind, message } = answer([1]) as AxError;
  equal([kind, message], ["failed", "the answer's `structured` is no object"]);
});

test("halves of characters are replaced wherever text goes out", () => {
  const half = "a\ud83d";
  const output = { s: t.string() };
  equal(called(() => half), { content: [{ tag: "text", val: "a\ufffd" }], structured: null, ...NO_MORE });
  const structured = JSON.stringify({ s: "\\ud83d🎉\ufffd" });
  equal(called(() => ({ s: "\\ud83d🎉\ud83d" }), output), { content: [], structured, ...NO_MORE });
  const { message, code } = called(() => { throw new AxError("invalid", half, { code: half }); }) as AxError;
  equal([message, code], ["a\ufffd", "a\ufffd"]);
  log.info(half, { half });
  equal(fake.logged(), [{ level: "info", message: "a\ufffd", fields: { half: "a\ufffd" } }]);
});

test("an error whose data are no JSON is told without them", () => {
  const loop: { self?: object } = {};
  loop.self = loop;
  for (const data of [loop, { big: 1n }]) {
    const thrown = new AxError("conflict", "it changed", { code: "k", data });
    const told = called(() => { throw thrown; }) as { kind: string; code: string; message: string; data: unknown };
    equal([told.kind, told.code, told.data], ["conflict", "k", null]);
    equal(told.message.startsWith("it changed (the data of this error are no JSON: TypeError: "), true);
  }
});

test("what is thrown keeps its kind, and what is not ours has failed", () => {
  const retryAfterMs = 10;
  const busy = new AxError("unavailable", "busy", { code: "x", data: { a: 1 }, retryAfterMs });
  const told = { kind: "unavailable", message: "busy", code: "x", retryAfterMs, data: '{"a":1}' };
  equal(called(() => { throw busy; }), told);
  equal(fake.logged(), []);
  const thrown = failed("it broke", new RangeError("too far"));
  equal((called(() => { throw thrown; }) as AxError).message, "it broke");
  const foreign = new Error("outer", { cause: new RangeError("inner") });
  const { kind, message } = called(() => { throw foreign; }) as AxError;
  equal([kind, message], ["failed", "outer: RangeError: inner"]);
  equal(fake.logged()[0]?.message.split("\n")[0], "outer: RangeError: inner");
  equal((called(async () => "late") as AxError).kind, "failed");
});

test("there is no tool of another name", () => {
  const { tools } = guest(plugin({ tools: [] }));
  throws(() => tools.call("it", "{}"), { kind: "not-found", code: "it" });
});

test("a plugin of tools that cannot be told apart is none", () => {
  const one = tool({ name: "one", description: "One." }, () => "");
  throws(() => plugin({ tools: [one, one] }), { message: "two tools are called `one`" });
  const named = (name: string) => tool({ name, description: "It." }, () => "");
  throws(() => named("Not_A_Name"), { message: /^a tool is called like/ });
});

test("a plugin says how its data come to a newer form", () => {
  const seen: string[] = [];
  const { lifecycle } = guest(plugin({ tools: [], migrate: (from, to) => void seen.push(from, to) }));
  lifecycle.migrate("0.1.0", "0.2.0");
  equal(seen, ["0.1.0", "0.2.0"]);
  guest(plugin({ tools: [] })).lifecycle.migrate("0.1.0", "0.2.0");
});

test("what the operator has set is checked", () => {
  fake.config("times", "three");
  equal(config.get("greeting", t.string()), undefined);
  throws(() => config.get("times", t.integer()), { kind: "invalid", code: "times" });
  equal(config.get("times", t.string()), "three");
  equal(config.all(), { times: "three" });
});

test("a call knows itself, and says how far it is", () => {
  fake.call({ id: "c1", leftMs: 5 });
  equal(task.current(), { id: "c1", task: undefined, attempt: 1, depth: 0, leftMs: 5 });
  task.progress(1, 2, "half");
  equal(fake.progress(), [{ done: 1, total: 2, note: "half" }]);
  equal(task.cancelled(), false);
  fake.cancel();
  equal(task.cancelled(), true);
});

test("lines go to the log with what belongs to them", () => {
  log.warn("odd", { times: 3 });
  equal(fake.logged(), [{ level: "warn", message: "odd", fields: { times: "3" } }]);
});
