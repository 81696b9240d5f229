"use strict";

const fs = require("node:fs");
const net = require("node:net");
const { ConfigurationInvalidError } = require("./errors.js");

const DEFAULT_PROXY = "http://127.0.0.1:8181";
const DEFAULT_TOKEN_FILE = "/tmp/meshbridge/token";
const LONGEST_TOKEN = 4096;

const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Options of `http.request` that lead to the proxy: a port of loopback, or a UNIX socket. */
function parseProxy(text) {
  const invalid = (what) => {
    const message = `the proxy's address ${JSON.stringify(text)}: ${what}; ${ConfigurationInvalidError.remedy}`;
    return new ConfigurationInvalidError(message);
  };
  if (text.startsWith("unix:")) {
    const socketPath = text.slice("unix:".length);
    if (!socketPath.startsWith("/")) throw invalid("the socket's path does not begin with a slash");
    return { socketPath };
  }
  let url;
  try {
    url = new URL(text);
  } catch {
    throw invalid("it is no address");
  }
  const { protocol, pathname, search, hash, username, password } = url;
  if (protocol !== "http:" || pathname !== "/" || search || hash || username || password) {
    throw invalid("it is not of that form");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host !== "localhost" && !(net.isIP(host) && loopback.check(host, net.isIPv6(host) ? "ipv6" : "ipv4"))) {
    throw invalid("the host is not on loopback, and the token would leave the machine");
  }
  return { host, port: Number(url.port || 80) };
}

/** The token, read again whenever its file is another one than before. */
class TokenFile {
  #seen;
  #token;

  constructor(path) {
    this.path = path;
  }

  /** The token, or undefined where there is none; a doubted one is read anew even from an unchanged file. */
  read(doubted) {
    try {
      const { mtimeNs, size, ino } = fs.statSync(this.path, { bigint: true });
      const seen = `${mtimeNs} ${size} ${ino}`;
      if (seen !== this.#seen || this.#token === doubted) {
        const token = size > LONGEST_TOKEN ? "" : fs.readFileSync(this.path, "latin1").trim();
        this.#seen = seen;
        this.#token = /^[\x21-\x7e]+$/.test(token) ? token : undefined;
      }
    } catch {
      this.#seen = this.#token = undefined;
    }
    return this.#token;
  }
}

module.exports = { parseProxy, TokenFile, DEFAULT_PROXY, DEFAULT_TOKEN_FILE };
