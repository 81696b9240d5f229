"use strict";

const assert = require("node:assert/strict");
const { once, EventEmitter } = require("node:events");
const { Readable } = require("node:stream");
const test = require("node:test");
const util = require("node:util");
const { Client, RequestInvalidError, TokenWrongError } = require("../lib/index.js");
const { start, body, refuse, withEnvironment } = require("../support/fake-proxy.js");

test("a call names the app and carries the token", async (t) => {
  const proxy = await start(t);
  const headers = { accept: ["text/plain", "text/html"] };
  const response = await proxy.mesh.fetch("ledger", "/v1/balances", { query: { a: "1" }, headers, timeout: 1500 });
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, response.ok, await response.text()], [200, true, "hello"]);
  const [request] = proxy.seen;
  assert.equal(request.url, "/v1/balances?a=1");
  assert.equal(request.headers.host, "ledger");
  assert.equal(request.headers["x-meshbridge-token"], "secret-1");
  assert.equal(request.headers["x-meshbridge-timeout-ms"], "1500");
  assert.equal(request.headers.accept, "text/plain, text/html");
});

test("the proxy is found by the environment, and HTTP_PROXY is not heeded", async (t) => {
  const proxy = await start(t);
  const nowhere = "http://127.0.0.1:9";
  const found = { MESHBRIDGE_PROXY: proxy.address, MESHBRIDGE_TOKEN_FILE: proxy.tokenFile };
  await withEnvironment({ ...found, HTTP_PROXY: nowhere, http_proxy: nowhere }, async () => {
    const mesh = new Client();
    assert.equal(await (await mesh.fetch("ledger", "/")).text(), "hello");
    mesh.close();
  });
});

test("the proxy is told no time when there is no limit", async (t) => {
  const proxy = await start(t);
  await (await proxy.mesh.fetch("ledger", "/", { timeout: null })).text();
  assert.ok(!("x-meshbridge-timeout-ms" in proxy.seen[0].headers));
});

test("calls one after the other share a connection", async (t) => {
  const proxy = await start(t);
  for (const method of ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"]) {
    await (await proxy.mesh.fetch("ledger", "/", { method })).text();
  }
  assert.deepEqual(proxy.seen.map((request) => request.method), ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"]);
  assert.equal(proxy.sockets.size, 1);
});

test("every kind of body arrives", async (t) => {
  const proxy = await start(t);
  proxy.respond = async (request, response) => response.end(`${request.headers["content-type"]} ${await body(request)}`);
  const bytes = Buffer.from("xabcx").subarray(1, 4);
  const bodies = ["abc", bytes, new Uint8Array(bytes), new Uint8Array(bytes).buffer, new URLSearchParams("a=ü"),
    Readable.from(["a", "bc"]), new Blob(["abc"]).stream(), (async function* () { yield bytes; })()]; // prettier-ignore
  const got = [];
  for (const one of bodies) got.push(await (await proxy.mesh.fetch("ledger", "/", { method: "POST", body: one })).text());
  const plain = "undefined abc";
  assert.deepEqual(got, [plain, plain, plain, plain, "application/x-www-form-urlencoded a=%C3%BC", plain, plain, plain]);
});

test("what cannot be sent is refused", async (t) => {
  const { mesh, seen } = await start(t);
  for (const [options, message] of [
    [{ method: "POST", body: 5 }, /neither text/],
    [{ timeout: -1 }, /above 0/],
    [{ timeout: NaN }, /above 0/],
    [{ timeout: "5" }, /above 0/],
    [{ headers: { Host: "users" } }, /client's own/],
    [{ headers: new Headers({ "x-meshbridge-token": "x" }) }, /client's own/],
  ]) {
    await assert.rejects(mesh.fetch("ledger", "/", options), (e) => {
      assert.ok(e instanceof RequestInvalidError);
      assert.match(e.message, message);
      assert.equal(e.app, "ledger");
      return true;
    });
  }
  await assert.rejects(mesh.fetch("ledger", "/\ud800"), RequestInvalidError);
  assert.equal(seen.length, 0);
});

test("a body is sent while it is made", async (t) => {
  const proxy = await start(t);
  const arrived = new EventEmitter();
  proxy.respond = async (request, response) => {
    request.once("data", () => arrived.emit("first"));
    response.end(await body(request));
  };
  const slow = async function* () {
    const first = once(arrived, "first");
    yield Buffer.from("first");
    // The second piece exists only once the first has arrived.
    await first;
    yield Buffer.from("second");
  };
  const response = await proxy.mesh.fetch("ledger", "/", { method: "POST", body: slow() });
  assert.equal(await response.text(), "firstsecond");
});

test("an answer is given out while it comes", async (t) => {
  const proxy = await start(t);
  const read = new EventEmitter();
  proxy.respond = async (_, response) => {
    const first = once(read, "first");
    response.write("first");
    await first;
    response.end("second");
  };
  const pieces = [];
  for await (const piece of (await proxy.mesh.fetch("ledger", "/")).body) {
    pieces.push(Buffer.from(piece).toString());
    read.emit("first");
  }
  assert.deepEqual(pieces, ["first", "second"]);
});

test("what the caller's own body throws is thrown", async (t) => {
  const proxy = await start(t);
  proxy.respond = () => {};
  const mine = new Error("the caller's own");
  const broken = async function* () {
    yield Buffer.from("first");
    throw mine;
  };
  await assert.rejects(proxy.mesh.fetch("ledger", "/", { method: "POST", body: broken() }), (e) => e === mine);
});

test("a signal gives a call up, before its answer and within it", async (t) => {
  const proxy = await start(t);
  const mine = new Error("enough");
  const giveUp = new AbortController();
  proxy.respond = () => giveUp.abort(mine);
  await assert.rejects(proxy.mesh.fetch("ledger", "/", { signal: giveUp.signal }), (e) => e === mine);
  await assert.rejects(proxy.mesh.fetch("ledger", "/", { signal: giveUp.signal }), (e) => e === mine);
  assert.equal(proxy.seen.length, 1);

  const later = new AbortController();
  proxy.respond = (_, response) => response.write("beginning");
  const response = await proxy.mesh.fetch("ledger", "/", { signal: later.signal });
  const rest = response.text();
  later.abort(mine);
  await assert.rejects(rest, (e) => e === mine);
});

test("an answer that is given up ends its connection", async (t) => {
  const proxy = await start(t);
  const [closed] = [new EventEmitter()];
  proxy.respond = (_, response) => {
    response.socket.once("close", () => closed.emit("closed"));
    response.write("beginning");
  };
  const response = await proxy.mesh.fetch("ledger", "/");
  const ended = once(closed, "closed");
  await response.body.cancel();
  await ended;
});

test("connections from before a freeze are not used", async (t) => {
  const proxy = await start(t);
  await (await proxy.mesh.fetch("ledger", "/")).text();
  const { now } = Date;
  for (const shift of [31_000, -1_000_000]) {
    const before = proxy.sockets.size;
    Date.now = () => now() + shift;
    try {
      await (await proxy.mesh.fetch("ledger", "/")).text();
    } finally {
      Date.now = now;
    }
    assert.equal(proxy.sockets.size, before + 1, `${shift}`);
  }
});

test("an idle connection that the proxy closed is not written to", async (t) => {
  const proxy = await start(t);
  for (let i = 0; i < 20; i++) {
    await (await proxy.mesh.fetch("ledger", "/")).text();
    for (const socket of proxy.sockets) socket.destroy();
    const response = await proxy.mesh.fetch("ledger", "/", { method: "POST", body: "once" });
    assert.equal(await response.text(), "hello");
  }
  assert.equal(proxy.seen.length, 40);
});

function whoKnows(proxy, good) {
  proxy.respond = async (request, response) => {
    await body(request);
    if (request.headers["x-meshbridge-token"] === good()) response.end();
    else refuse(response, "token-wrong", 401);
  };
}

test("a token is read again when its file is another", async (t) => {
  const proxy = await start(t);
  let good;
  whoKnows(proxy, () => good);
  for (good of ["secret-1", "secret-2", "secret-3"]) {
    proxy.writeToken(good);
    await (await proxy.mesh.fetch("ledger", "/", { method: "POST", body: "x" })).text();
  }
  assert.equal(proxy.seen.length, 3);
});

test("a token that stays wrong is not tried again", async (t) => {
  const proxy = await start(t);
  whoKnows(proxy, () => "another");
  await assert.rejects(proxy.mesh.fetch("ledger", "/"), TokenWrongError);
  assert.equal(proxy.seen.length, 1);
});

test("a token that was written while the call was under way is tried", async (t) => {
  const proxy = await start(t);
  whoKnows(proxy, () => {
    proxy.writeToken("secret-2");
    return "secret-2";
  });
  assert.equal((await proxy.mesh.fetch("ledger", "/", { method: "POST", body: "x" })).status, 200);
  assert.equal(proxy.seen.length, 2);
});

test("what is no token is not sent", async (t) => {
  const proxy = await start(t);
  whoKnows(proxy, () => "another");
  for (const content of ["", "two words", "x".repeat(5000), "with\x01control", "é"]) {
    proxy.writeToken(content);
    await assert.rejects(proxy.mesh.fetch("ledger", "/"), TokenWrongError);
    assert.ok(!("x-meshbridge-token" in proxy.seen.at(-1).headers), content);
  }
});

test("the token is not shown", async (t) => {
  const { mesh } = await start(t);
  await (await mesh.fetch("ledger", "/")).text();
  assert.ok(!util.inspect(mesh, { depth: 10, showHidden: true }).includes("secret-1"));
});
