"use strict";

const { AppInvalidError, MethodNotAllowedError, RequestInvalidError } = require("./errors.js");

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const APP = new RegExp(`^${LABEL}(?:\\.${LABEL})?$`);
// The proxy takes these for something else.
const NOT_APPS = /^(?:localhost|mesh|[0-9]+)$/;
// RFC 9110, 5.6.2 (token) and 5.5 (field-value, without obs-text).
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
const CONTROL = /[\x00-\x1f\x7f]/; // eslint-disable-line no-control-regex
const LONE_PERCENT = /%(?![0-9A-Fa-f]{2})/;
// Everything that RFC 3986 lets stand in no path or query.
const TO_ENCODE = /[^\x21-\x7e]|["<>\\^`{|}]/gu;
const CLIENTS_OWN = new Set(
  (
    "host connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade " +
    "content-length expect"
  ).split(" "),
);
/** Methods that may be sent twice (RFC 9110, 9.2.1). */
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** What the proxy can be told; no invocation takes longer. */
const LONGEST_MS = 900_000;

/** One request, checked: everything of it can go on the wire. */
class Call {
  constructor(app, path, { method = "GET", query, headers, body, timeout }) {
    if (typeof app !== "string" || !APP.test(app) || app.split(".").some((label) => NOT_APPS.test(label))) {
      throw new AppInvalidError(`${JSON.stringify(app)} is no name of an app; ${AppInvalidError.remedy}`, { app });
    }
    this.app = app;
    this.method = this.#checkedMethod(method);
    this.target = this.#checkedTarget(path, query);
    this.headers = this.#checkedHeaders(headers);
    this.payload = this.#checkedBody(body);
    if (timeout !== null && !(typeof timeout === "number" && timeout > 0 && Number.isFinite(timeout))) {
      throw this.#invalid(`the timeout ${timeout} is no number of milliseconds above 0; null is for no limit`);
    }
    this.timeout = timeout;
  }

  /** Whether its body can be sent again. */
  get replayable() {
    return this.payload === undefined || Buffer.isBuffer(this.payload);
  }

  /** Whether it may reach the app twice. */
  get safe() {
    return SAFE.has(this.method) && this.replayable;
  }

  /** Header names and values, as `http.request` takes them. */
  rawHeaders(token) {
    const raw = ["host", this.app];
    if (token !== undefined) raw.push("x-meshbridge-token", token);
    if (this.timeout !== null) raw.push("x-meshbridge-timeout-ms", String(Math.min(Math.ceil(this.timeout), LONGEST_MS)));
    for (const [name, value] of this.headers) raw.push(name, value);
    if (!this.replayable) {
      raw.push("transfer-encoding", "chunked");
    } else if (this.payload !== undefined) {
      raw.push("content-length", String(this.payload.length));
    }
    return raw;
  }

  #checkedMethod(method) {
    if (typeof method !== "string" || !TOKEN.test(method)) {
      throw this.#invalid(`${JSON.stringify(method)} is no method; write one such as GET`);
    }
    const upper = method.toUpperCase();
    if (upper === "CONNECT" || upper === "TRACE") {
      throw new MethodNotAllowedError(`${upper} cannot be sent; ${MethodNotAllowedError.remedy}`, { app: this.app });
    }
    return upper;
  }

  /** The path as it was written, with what HTTP cannot carry percent-encoded as UTF-8. */
  #checkedTarget(path, query) {
    const quoted = JSON.stringify(path);
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw this.#invalid(`the path ${quoted} does not begin with a slash; write /${path}`);
    }
    if (CONTROL.test(path)) throw this.#invalid(`the path ${quoted} has a control character; percent-encode it`);
    if (path.includes("#")) throw this.#invalid(`the path ${quoted} has a \`#\`, which would not be sent; write %23`);
    if (LONE_PERCENT.test(path)) throw this.#invalid(`the path ${quoted} has a \`%\` that encodes nothing; write %25`);
    const added = query ? String(new URLSearchParams(query)) : "";
    const joined = added ? path + (path.includes("?") ? "&" : "?") + added : path;
    if (/[\ud800-\udfff]/u.test(path)) throw this.#invalid(`the path ${quoted} is not Unicode; percent-encode its bytes`);
    return joined.replace(TO_ENCODE, (character) =>
      [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
    );
  }

  #checkedHeaders(headers = []) {
    const entries = typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);
    const pairs = entries.flatMap(([name, values]) => [values].flat().map((value) => [name, String(value)]));
    for (const [name, value] of pairs) {
      if (typeof name !== "string" || !TOKEN.test(name)) {
        throw this.#invalid(`${JSON.stringify(name)} is no name of a header; write letters, digits and hyphens`);
      }
      if (CLIENTS_OWN.has(name.toLowerCase()) || name.toLowerCase().startsWith("x-meshbridge-")) {
        throw this.#invalid(`the header ${name} is the client's own; leave it out`);
      }
      if (!VALUE.test(value)) throw this.#invalid(`the value of the header ${name} is not printable ASCII; encode it`);
    }
    return pairs;
  }

  /** Bytes that can be sent again, or a stream that cannot, or nothing. */
  #checkedBody(body) {
    if (body === undefined || body === null) {
      return ["POST", "PUT", "PATCH"].includes(this.method) ? Buffer.alloc(0) : undefined;
    }
    if (body instanceof URLSearchParams) {
      if (!this.headers.some(([name]) => name.toLowerCase() === "content-type")) {
        this.headers.push(["content-type", "application/x-www-form-urlencoded"]);
      }
      return Buffer.from(String(body));
    }
    if (typeof body === "string" || body instanceof ArrayBuffer) return Buffer.from(body);
    if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (typeof body[Symbol.asyncIterator] === "function") return body;
    throw this.#invalid("the body is neither text, bytes, a stream nor an async iterable of bytes");
  }

  #invalid(message) {
    return new RequestInvalidError(message, { app: this.app });
  }
}

module.exports = { Call };
