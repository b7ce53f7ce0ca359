import { t } from "ax";
import * as http from "ax/http";
import * as kv from "ax/kv";
import * as secrets from "ax/secrets";
import { equal, fake, test, throws } from "ax/testing";

test("values are kept as JSON", () => {
  kv.put("a", { é: [1, "🎉"] });
  equal(kv.get("a"), { é: [1, "🎉"] });
  kv.remove("a");
  equal(kv.get("a"), undefined);
  throws(() => kv.put("a", undefined), { kind: "failed" });
});

test("a change is made whole or not at all", () => {
  kv.put("a", 1);
  const version = kv.read("a")?.version ?? 0;
  const value = new Uint8Array([50]);
  const changes = [{ key: "b", value }, { key: "a", value, when: "absent" as const }];
  throws(() => kv.write(changes), { kind: "conflict", code: "a" });
  equal(kv.keys(), ["a"]);
  kv.write([{ key: "b", value }, { key: "a", when: { version } }]);
  equal(kv.keys(), ["b"]);
});

test("an update goes on from what others wrote meanwhile", () => {
  let tries = 0;
  const kept = kv.update("n", 0, (n) => {
    tries += 1;
    if (tries === 1) kv.put("n", 10);
    return n + 1;
  });
  equal([kept, tries], [11, 2]);
  const always = () => kv.update("n", 0, (n) => (kv.put("n", n), n));
  throws(always, { kind: "conflict", code: "n" });
});

test("listings go on past a page", () => {
  for (const key of ["a/2", "a/1", "b/1"]) kv.put(key, key);
  const page = kv.scan("a/", 1);
  equal([page.entries[0]?.key, page.next], ["a/1", "a/1"]);
  equal(kv.scan("a/", 1, page.next).entries[0]?.key, "a/2");
  equal(kv.keys("a/"), ["a/1", "a/2"]);
  equal(kv.usage().keys, 3);
});

test("a request is sent as it was asked for", () => {
  fake.http(({ url }) => fake.page(url.endsWith("/gone") ? 404 : 200, { n: 1 }));
  const answer = http.post("https://a.b/", { json: { q: "é" }, headers: { "x-a": "1" } });
  equal(answer.ok().json(t.object({ n: t.integer() })), { n: 1 });
  const [request] = fake.sent();
  equal(request?.headers, { "x-a": "1", "content-type": "application/json" });
  equal(new TextDecoder().decode(request?.body as Uint8Array), '{"q":"é"}');
  throws(() => http.get("https://a.b/gone").ok(), { kind: "not-found", code: "404" });
  throws(() => answer.json(t.object({ m: t.integer() })), { kind: "failed" });
});

test("each of many requests has an answer of its own", () => {
  fake.http(({ url }) => fake.page(200, url));
  const asked = ["https://a.b/1", "https://a.b/2"].map((url) => ({ method: "GET", url }));
  const answers = http.sendAll(asked).map((it) => (it instanceof http.Response ? it.text() : it));
  equal(answers, ["https://a.b/1", "https://a.b/2"]);
});

test("nobody answers until a test says who does", () => {
  throws(() => http.get("https://a.b/"), { kind: "unavailable" });
});

test("a secret is known by whether it is there", () => {
  fake.secret("token");
  equal([secrets.isSet("token"), secrets.isSet("other")], [true, false]);
});
