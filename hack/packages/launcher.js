#!/usr/bin/env node
// Starts the binary of the package for this platform, which npm has installed beside this one.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

const name = `@ctxaudit/${process.platform}-${process.arch}`;
const program = process.platform === "win32" ? "ctxaudit.exe" : "ctxaudit";

let binary;
try {
  binary = require.resolve(`${name}/bin/${program}`);
} catch {
  console.error(
    `ctxaudit: the package ${name} is not installed. ` +
      "It is an optional dependency: install without --omit=optional, on the platform that ctxaudit will run on.",
  );
  process.exit(2);
}

const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
child.on("error", (err) => {
  console.error(`ctxaudit: ${err.message}`);
  process.exit(2);
});
// A terminal sends its signals to both; what a program sends reaches only this one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("exit", (code, signal) => {
  process.exit(signal ? 128 + os.constants.signals[signal] : code);
});
