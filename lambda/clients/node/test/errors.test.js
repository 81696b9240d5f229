"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const meshbridge = require("../lib/index.js");
const { byReason } = require("../lib/errors.js");
const { start, refuse } = require("../support/fake-proxy.js");

const shared = path.join(__dirname, "../../conformance/errors.json");
const reasons = JSON.parse(fs.readFileSync(shared, "utf8")).errors;

const nameOf = (reason) => reason.replace(/(^|-)(.)/g, (_, __, letter) => letter.toUpperCase()) + "Error";

async function failure(promise) {
  return promise.then(
    () => assert.fail("there was an answer"),
    (e) => e,
  );
}

test("the list of errors is that of every language", () => {
  assert.deepEqual([...byReason.keys()], reasons.map(({ reason }) => reason));
  const types = fs.readFileSync(path.join(__dirname, "../lib/index.d.ts"), "utf8");
  for (const { reason, remedy } of reasons) {
    const kind = meshbridge[nameOf(reason)];
    assert.equal(kind, byReason.get(reason), reason);
    assert.deepEqual([kind.name, kind.reason, kind.remedy], [nameOf(reason), reason, remedy]);
    assert.ok(types.includes(`export class ${kind.name} extends MeshbridgeError {}`), reason);
  }
  assert.equal(Object.keys(meshbridge).length, reasons.length + 2);
});

test("an error of the proxy is thrown as what it is", async (t) => {
  const proxy = await start(t);
  for (const [reason, Kind] of byReason) {
    proxy.respond = (_, response) => refuse(response, reason, 502);
    const e = await failure(proxy.mesh.fetch("ledger", "/"));
    assert.equal(e.constructor, Kind);
    assert.deepEqual([e.name, e.reason, e.status, e.app, e.message], [Kind.name, reason, 502, "ledger", "what and remedy"]);
  }
  assert.equal(proxy.sockets.size, 1);
});

test("a reason that nobody knows yet is an error too", async (t) => {
  const proxy = await start(t);
  proxy.respond = (_, response) => refuse(response, "moon-in-the-way");
  const e = await failure(proxy.mesh.fetch("ledger", "/"));
  assert.deepEqual([e.constructor, e.reason], [meshbridge.MeshbridgeError, "moon-in-the-way"]);
});

test("an error without a sound body has the remedy for a message", async (t) => {
  const proxy = await start(t);
  for (const body of ["", "null", "[]", '"x"', '{"error":1}', '{"message":5}', "x".repeat(100_000)]) {
    proxy.respond = (_, response) => response.writeHead(503, { "x-meshbridge-error": "throttled" }).end(body);
    const e = await failure(proxy.mesh.fetch("ledger", "/"));
    assert.deepEqual([e.constructor, e.message], [meshbridge.ThrottledError, meshbridge.ThrottledError.remedy]);
  }
});

test("a silent proxy is given up", async (t) => {
  const proxy = await start(t);
  proxy.respond = () => {};
  const e = await failure(proxy.mesh.fetch("ledger", "/", { timeout: 50 }));
  assert.deepEqual([e.constructor, e.status], [meshbridge.DeadlineExceededError, undefined]);
});

test("an address that cannot be the proxy's is refused before any call", () => {
  for (const proxy of [
    "https://127.0.0.1:8181", "http://10.0.0.1:8181", "http://example.com", "http://127.0.0.1:8181/path", "127.0.0.1:8181",
    "unix:proxy.sock", "http://user@127.0.0.1:8181", "http://127.0.0.1:99999", "http://127.0.0.1.example.com:8181", "http://[::2]",
  ]) { // prettier-ignore
    assert.throws(() => new meshbridge.Client({ proxy }), meshbridge.ConfigurationInvalidError, proxy);
  }
  for (const proxy of ["http://localhost:8181", "http://[::1]:8181/", "http://127.8.0.1", "unix:/tmp/proxy.sock"]) {
    new meshbridge.Client({ proxy });
  }
});
