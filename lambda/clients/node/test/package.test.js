"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { pathToFileURL } = require("node:url");
const { start, body, refuse, withEnvironment } = require("../support/fake-proxy.js");

const root = path.join(__dirname, "..");
const read = (name) => fs.readFileSync(path.join(root, name), "utf8");

test("the README's examples run", async (t) => {
  const proxy = await start(t);
  proxy.respond = async (request, response) => {
    await body(request);
    if (request.headers.host === "payroll") refuse(response, "upstream-not-allowed", 403);
    else response.setHeader("content-type", "application/json").end('{"EUR": 5}');
  };
  const examples = [...read("README.md").matchAll(/```js\n(.*?)```/gs)].map(([, example]) => example);
  // As its users import it, but from here.
  const own = pathToFileURL(path.join(root, "lib/index.js"));
  const module = `${examples.join("\n")}\nmesh.close();\n`.replaceAll('from "meshbridge"', `from "${own}"`);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "meshbridge-readme-"));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  fs.writeFileSync(path.join(directory, "readme.mjs"), module);
  const printed = [];
  t.mock.method(console, "log", (...words) => printed.push(words));
  const found = { MESHBRIDGE_PROXY: proxy.address, MESHBRIDGE_TOKEN_FILE: proxy.tokenFile };
  await withEnvironment(found, () => import(pathToFileURL(path.join(directory, "readme.mjs"))));
  assert.equal(examples.length, 4);
  assert.deepEqual(proxy.seen.map((request) => request.headers.host), ["ledger", "ledger", "ledger", "payroll"]);
  assert.deepEqual(printed, [[200, { EUR: 5 }], [10], ["upstream-not-allowed", 403, "payroll", "what and remedy"]]);
});

test("the package has no dependencies, and the files that it names", () => {
  const manifest = JSON.parse(read("package.json"));
  assert.deepEqual(Object.keys(manifest).filter((key) => /dependencies/i.test(key)), []);
  for (const file of [manifest.main, manifest.types, manifest.exports["."].types, manifest.exports["."].default, ...manifest.files]) {
    assert.ok(fs.existsSync(path.join(root, file)), file);
  }
  assert.match(manifest.version, /^\d+\.\d+\.\d+$/);
});

test("every name can be imported and required", async () => {
  const imported = await import(pathToFileURL(path.join(root, "lib/index.js")));
  for (const name of Object.keys(require("../lib/index.js"))) assert.ok(name in imported, name);
});

test("the licence is that of the project", () => {
  assert.equal(read("LICENSE"), read("../../../LICENSE"));
});
