"use strict";

const http = require("node:http");
const { finished, pipeline } = require("node:stream/promises");
const { Call } = require("./call.js");
const { DEFAULT_PROXY, DEFAULT_TOKEN_FILE, TokenFile, parseProxy } = require("./proxy.js");
const {
  ConnectionLostError,
  DeadlineExceededError,
  MeshbridgeError,
  ProxyUnreachableError,
  byReason,
} = require("./errors.js");

const IDLE_CONNECTIONS = 16;
const IDLE_MS = 30_000;
/** How much longer than the proxy the client waits, so that the proxy can say what took so long. */
const GRACE_MS = 500;
const LONGEST_ERROR = 64 * 1024;
/** What setTimeout can count to: 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Statuses whose Response takes no body (Fetch, 2.2.3). */
const NULL_BODY = new Set([204, 205, 304]);

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Calls apps of the mesh through the proxy beside this process. */
class Client {
  #proxy;
  #token;
  #timeout;
  #agent = new http.Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS });
  #usedAt = Date.now();

  constructor({ proxy, tokenFile, timeout = 30_000 } = {}) {
    this.#proxy = parseProxy(proxy || process.env.MESHBRIDGE_PROXY || DEFAULT_PROXY);
    this.#token = new TokenFile(tokenFile || process.env.MESHBRIDGE_TOKEN_FILE || DEFAULT_TOKEN_FILE);
    this.#timeout = timeout;
  }

  async fetch(app, path, options = {}) {
    const call = new Call(app, path, { ...options, timeout: options.timeout === undefined ? this.#timeout : options.timeout });
    return this.#exchange(call, options.signal);
  }

  close() {
    for (const socket of Object.values(this.#agent.freeSockets).flat()) socket.destroy();
  }

  /** Sends the call until the app answers: at most once more for a newer token, once for a connection that was dead. */
  async #exchange(call, signal) {
    let token = this.#token.read();
    let mayRenew = call.replayable;
    let mayReconnect = call.safe;
    await this.#forgetDeadConnections();
    for (let agent = this.#agent; ; ) {
      const attempt = new Attempt(call, signal);
      let answer;
      try {
        answer = await attempt.send({ ...this.#proxy, agent }, token);
      } catch (e) {
        if (!(e instanceof ConnectionLostError && attempt.reused && mayReconnect)) throw e;
        mayReconnect = false;
        // Without an agent, the connection is new.
        agent = false;
        continue;
      }
      this.#usedAt = Date.now();
      const reason = answer.headers["x-meshbridge-error"];
      if (reason === undefined) return attempt.response(answer);
      const error = await this.#error(call, reason, answer, token);
      const newer = /^token-(wrong|missing)$/.test(reason) ? this.#token.read(token) : undefined;
      if (newer === undefined || newer === token || !mayRenew) throw error;
      token = newer;
      mayRenew = false;
    }
  }

  /** After a freeze, which the wall clock shows; and what closed while nobody looked must be seen before it is written to. */
  async #forgetDeadConnections() {
    const idle = Date.now() - this.#usedAt;
    if (idle < 0 || idle > IDLE_MS) this.close();
    // Two turns of the event loop: sockets are looked at between them. The last call's connection is then free, too.
    await turn();
    await turn();
  }

  async #error(call, reason, answer, token) {
    const Kind = byReason.get(reason) ?? MeshbridgeError;
    let message = Kind.remedy;
    try {
      const text = [];
      let length = 0;
      for await (const chunk of answer) {
        length += chunk.length;
        if (length > LONGEST_ERROR) break;
        text.push(chunk);
      }
      const told = JSON.parse(Buffer.concat(text)).message;
      if (typeof told === "string") message = told;
    } catch {
      // The reason says enough.
    }
    if (token === undefined && reason === "token-missing") {
      message += ` (the client found no token in ${this.#token.path})`;
    }
    return new Kind(message, { app: call.app, status: answer.statusCode, reason });
  }
}

/** One sending of a call. */
class Attempt {
  #call;
  #signal;
  #request;
  /** Why it ended early, when this side ended it. */
  #reason;

  constructor(call, signal) {
    this.#call = call;
    this.#signal = signal;
  }

  get reused() {
    return Boolean(this.#request?.reusedSocket);
  }

  /** The head of the answer. */
  async send(to, token) {
    const call = this.#call;
    this.#signal?.throwIfAborted();
    this.#request = http.request({
      ...to,
      method: call.method,
      path: call.target,
      headers: call.rawHeaders(token),
      signal: this.#signal,
    });
    const request = this.#request;
    let connected = false;
    request.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => (connected = true));
      else connected = true;
    });
    const timer = this.#expireIn(call.timeout === null ? null : call.timeout + GRACE_MS);
    try {
      return await new Promise((resolve, reject) => {
        request.once("response", resolve);
        request.on("error", (e) => reject(this.#failure(e, connected)));
        // A request whose body failed before it had a connection ends without an error.
        request.once("close", () => reject(this.#failure(new Error("closed"), connected)));
        // What goes wrong here, the request's own event tells.
        this.#write().catch(() => {});
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async #write() {
    const { payload, replayable } = this.#call;
    if (replayable) return void this.#request.end(payload);
    await pipeline(this.#marked(payload), this.#request);
  }

  /** Keeps what the caller's own body throws apart from what the connection does. */
  async *#marked(payload) {
    try {
      yield* payload;
    } catch (e) {
      this.#reason = e;
      throw e;
    }
  }

  #expireIn(ms) {
    if (ms === null || ms > LONGEST_TIMER_MS) return undefined;
    return setTimeout(() => {
      const message = `no answer in time; ${DeadlineExceededError.remedy}`;
      this.#reason = new DeadlineExceededError(message, { app: this.#call.app });
      this.#request.destroy(this.#reason);
    }, ms);
  }

  #failure(e, connected) {
    if (this.#reason) return this.#reason;
    if (this.#signal?.aborted) return this.#signal.reason;
    const Kind = connected ? ConnectionLostError : ProxyUnreachableError;
    const what = connected ? `the connection broke: ${e.message}` : `no connection to the proxy: ${e.message}`;
    return new Kind(`${what}; ${Kind.remedy}`, { app: this.#call.app, cause: e });
  }

  /** The answer as fetch would give it, its body as it comes. */
  async response(answer) {
    const headers = new Headers();
    for (let i = 0; i < answer.rawHeaders.length; i += 2) headers.append(answer.rawHeaders[i], answer.rawHeaders[i + 1]);
    const { statusCode: status, statusMessage: statusText } = answer;
    const bodiless = this.#call.method === "HEAD" || NULL_BODY.has(status);
    // Now its connection is free for the next call.
    if (bodiless) await this.#drain(answer);
    return new Response(bodiless ? null : this.#body(answer), { status, statusText, headers });
  }

  async #drain(answer) {
    try {
      await finished(answer.resume());
    } catch (e) {
      throw this.#failure(e, true);
    }
  }

  #body(answer) {
    const chunks = answer[Symbol.asyncIterator]();
    const pull = async (controller) => {
      const timer = this.#expireIn(this.#call.timeout);
      try {
        const { value, done } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (e) {
        controller.error(this.#failure(e, true));
      } finally {
        clearTimeout(timer);
      }
    };
    // Not a stream of type "bytes": that takes chunks away from each other that came in one packet and share a buffer.
    return new ReadableStream({ pull, cancel: () => void answer.destroy() }, { highWaterMark: 0 });
  }
}

module.exports = { Client };
