"use strict";

const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { Client } = require("../lib/index.js");

/** A proxy that a test tells what to answer, and a client of it; both end with the test. */
async function start(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "meshbridge-"));
  const tokenFile = path.join(directory, "token");
  const proxy = {
    tokenFile,
    seen: [],
    sockets: new Set(),
    respond: async (request, response) => {
      await body(request);
      // Without a length, Node takes the end of an answer to HEAD for the end of its connection.
      response.setHeader("content-length", 5).end("hello");
    },
    writeToken(token) {
      fs.writeFileSync(`${tokenFile}.new`, `${token}\n`);
      fs.renameSync(`${tokenFile}.new`, tokenFile);
    },
  };
  proxy.writeToken("secret-1");
  const server = http.createServer({ keepAliveTimeout: 0 }, (request, response) => {
    proxy.seen.push(request);
    Promise.resolve(proxy.respond(request, response)).catch(() => request.destroy());
  });
  server.on("connection", (socket) => proxy.sockets.add(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.address = `http://127.0.0.1:${server.address().port}`;
  proxy.mesh = new Client({ proxy: proxy.address, tokenFile });
  t.after(async () => {
    proxy.mesh.close();
    for (const socket of proxy.sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    fs.rmSync(directory, { recursive: true });
  });
  return proxy;
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function refuse(response, reason, status = 503, message = "what and remedy") {
  response.writeHead(status, { "x-meshbridge-error": reason });
  response.end(JSON.stringify({ error: reason, message }));
}

/** Runs with these environment variables. */
async function withEnvironment(changes, run) {
  const before = { ...process.env };
  Object.assign(process.env, changes);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(changes)) {
      if (name in before) process.env[name] = before[name];
      else delete process.env[name];
    }
  }
}

module.exports = { start, body, refuse, withEnvironment };
