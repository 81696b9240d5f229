// Makes the Node client do what a line of JSON says, and says as one what came of it.

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { Client, MeshbridgeError } from "../../node/lib/index.js";

const STORED_BODY = 64 * 1024;
const BLOCK = Buffer.from(Array.from({ length: 251 * 261 }, (_, i) => i % 251));
const clients = new Map();

function client(settings) {
  const key = JSON.stringify(settings);
  if (!clients.has(key)) clients.set(key, new Client({ proxy: settings.proxy, tokenFile: settings.token_file }));
  return clients.get(key);
}

async function* pattern(length) {
  for (; length > 0; length -= BLOCK.length) yield BLOCK.subarray(0, length);
}

function body({ body = {}, copies }, copy) {
  if ("text" in body) return body.text + (copies ? `-${String(copy).padStart(2, "0")}` : "");
  if ("base64" in body) return Buffer.from(body.base64, "base64");
  return "stream" in body ? pattern(body.stream) : undefined;
}

async function outcome(call, copy) {
  try {
    const { method, query, headers, timeout_ms: timeout } = call;
    const options = { method, query, headers, timeout, body: body(call, copy) };
    const response = await client(call.settings).fetch(call.app ?? "ledger", call.path, options);
    if (call.read === "start") {
      const reader = response.body.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return told(response, [value.subarray(0, 10)]);
    }
    return await told(response, call.read === "stream" ? response.body : [Buffer.from(await response.arrayBuffer())]);
  } catch (e) {
    if (!(e instanceof MeshbridgeError)) throw e;
    const { reason, status = null, app, message, remedy } = e;
    return { error: { type: e.constructor.name, reason, status, app, message, remedy } };
  }
}

async function told(response, pieces) {
  const digest = createHash("sha256");
  const start = [];
  let length = 0;
  for await (const piece of pieces) {
    digest.update(piece);
    if (length < STORED_BODY) start.push(piece.subarray(0, STORED_BODY - length));
    length += piece.length;
  }
  const many = ["set-cookie", "x-many"];
  const headers = [...response.headers].filter(([name]) => !many.includes(name));
  for (const name of many) {
    const values = name === "set-cookie" ? response.headers.getSetCookie() : response.headers.get(name)?.split(", ");
    for (const value of values ?? []) headers.push([name, value]);
  }
  const stored = Buffer.concat(start).toString("base64");
  return { status: response.status, headers, length, sha256: digest.digest("hex"), body: stored };
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  const copies = Array.from({ length: call.copies ?? 1 }, (_, copy) => outcome(call, copy));
  console.log(JSON.stringify(await Promise.all(copies)));
}
