// Adds to package-lock.json the packages for other platforms that the registry at hand
// does not have: npm leaves them out, and "npm ci" then refuses the file. Run it after
// "npm install". They come without a checksum and are never fetched on Linux.
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const systems = { darwin: "darwin", linux: "linux", win32: "win32", freebsd: "freebsd", android: "android" };
const processors = { arm64: "arm64", x64: "x64", arm: "arm", wasm32: "wasm32", ia32: "ia32" };

for (const [place, found] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(found.optionalDependencies ?? {})) {
    if (!place || lock.packages[`node_modules/${name}`] || lock.packages[`${place}/node_modules/${name}`]) continue;
    const words = name.split(/[-/]/);
    const entry = { version, optional: true };
    if (found.dev) entry.dev = true;
    const cpu = words.map((word) => processors[word]).find(Boolean);
    const os = words.map((word) => systems[word]).find(Boolean);
    if (!cpu || !/^\d/.test(version)) throw new Error(`${name}@${version} is for no known platform; look at it`);
    entry.cpu = [cpu];
    if (os) entry.os = [os];
    if (words.includes("musl")) entry.libc = ["musl"];
    lock.packages[`node_modules/${name}`] = entry;
    console.info(`added ${name}@${version}`);
  }
}
const names = Object.keys(lock.packages).sort((a, b) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
