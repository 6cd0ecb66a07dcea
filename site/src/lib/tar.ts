// Template versions come and go as tar archives. What an archive says is foreign: its
// names, sizes and counts are checked before they are used.

/** A file of an archive. text is there where the bytes are text (UTF-8 without NUL). */
export interface TarFile {
  /** The path, with "/" between its parts and none before the first. */
  name: string;
  data: Uint8Array;
  text?: string;
  /** executable is the bit for who owns it. */
  executable: boolean;
}

/** What writeTar takes. */
export interface TarInput {
  name: string;
  content: string | Uint8Array;
  executable?: boolean;
}

/** An archive that cannot be read; its message is for people. */
export class TarError extends Error {}

export const tarLimits = { files: 10_000, bytes: 100 << 20, name: 1024 } as const;

const block = 512;
const decoder = new TextDecoder("utf-8");
const encoder = new TextEncoder();

/** textOf is what the bytes say, or undefined where they are no text. */
export function textOf(data: Uint8Array): string | undefined {
  if (data.subarray(0, 8_000).includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function string(bytes: Uint8Array, from: number, length: number): string {
  const part = bytes.subarray(from, from + length);
  const end = part.indexOf(0);
  return decoder.decode(end < 0 ? part : part.subarray(0, end));
}

/** number reads octal digits, or the base 256 that GNU writes for large numbers. */
function number(bytes: Uint8Array, from: number, length: number): number {
  if (bytes[from]! & 0x80) {
    let value = bytes[from]! & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + bytes[from + i]!;
    return value;
  }
  const text = string(bytes, from, length).trim();
  if (!/^[0-7]*$/.test(text)) throw new TarError("The archive is damaged: a number in it is none.");
  return text ? Number.parseInt(text, 8) : 0;
}

function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum;
}

/** pax reads the records "length key=value\n" of an extended header. */
function pax(bytes: Uint8Array): Record<string, string> {
  const out: Record<string, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(decoder.decode(bytes.subarray(at, space)));
    if (!Number.isSafeInteger(length) || length <= space - at || at + length > bytes.length) break;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) out[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return out;
}

/** clean is the name without "./", or "" for one that leads elsewhere. */
function clean(name: string): string {
  const parts = name
    .replaceAll("\\", "/")
    .split("/")
    .filter((p) => p !== "" && p !== ".");
  return parts.includes("..") ? "" : parts.join("/");
}

/** readTar returns the files of an archive, by name. Folders, links and devices are left out. It throws a TarError. */
export function readTar(bytes: Uint8Array): TarFile[] {
  if (bytes.length > tarLimits.bytes) throw new TarError("The archive is larger than 100 MB.");
  const files = new Map<string, TarFile>();
  let long = "";
  let extended: Record<string, string> = {};
  for (let at = 0; at + block <= bytes.length; ) {
    const header = bytes.subarray(at, at + block);
    if (header.every((b) => b === 0)) break;
    if (number(header, 148, 8) !== checksum(header)) throw new TarError("The archive is damaged, or is no tar.");
    const kind = String.fromCharCode(header[156]!);
    // A record says the size only of the entry after it, never of itself.
    const said = kind === "x" || kind === "g" || kind === "L" || kind === "K" ? undefined : extended.size;
    const size = said === undefined ? number(header, 124, 12) : Number(said);
    if (!Number.isSafeInteger(size) || size < 0 || at + block + size > bytes.length) {
      throw new TarError("The archive ends too early.");
    }
    const data = bytes.subarray(at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
    if (kind === "x") extended = pax(data);
    else if (kind === "L") long = string(data, 0, data.length);
    else if (kind !== "g" && kind !== "K") {
      const prefix = string(header, 257, 5) === "ustar" && header[262] === 0 ? string(header, 345, 155) : "";
      const short = string(header, 0, 100);
      const name = clean(extended.path ?? (long || (prefix ? `${prefix}/${short}` : short)));
      if (name.length > tarLimits.name) throw new TarError("A name in the archive is too long.");
      if (name && (kind === "0" || kind === "\0" || kind === "7") && !short.endsWith("/")) {
        files.set(name, { name, data, text: textOf(data), executable: (number(header, 100, 8) & 0o100) !== 0 });
      }
      if (files.size > tarLimits.files) throw new TarError("The archive has more than 10,000 files.");
      long = "";
      extended = {};
    }
  }
  return [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** split puts a name into the two fields of a header, or returns undefined where it does not fit. */
function split(name: string): [name: string, prefix: string] | undefined {
  // What is outside of ASCII needs an extended header.
  if (!/^[\x20-\x7e]*$/.test(name)) return undefined;
  if (name.length <= 100) return [name, ""];
  for (let at = name.indexOf("/"); at > 0 && at <= 155; at = name.indexOf("/", at + 1)) {
    if (name.length - at - 1 <= 100 && name.length - at - 1 > 0) return [name.slice(at + 1), name.slice(0, at)];
  }
  return undefined;
}

function header(name: string, prefix: string, size: number, mode: number, kind: string): Uint8Array {
  const out = new Uint8Array(block);
  const put = (at: number, text: string) => out.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, `${octal(mode, 7)}\0`);
  put(108, `${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)}\0${octal(0, 11)}\0`);
  put(156, kind);
  put(257, "ustar\x0000");
  put(345, prefix);
  put(148, `${octal(checksum(out), 6)}\0 `);
  return out;
}

/** record is "length key=value\n"; the length counts itself. */
function record(key: string, value: string): Uint8Array {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return encoder.encode(`${length} ${key}=${value}\n`);
}

/** writeTar makes an archive. The same files give the same bytes: nothing in it tells of the time. */
export function writeTar(files: readonly TarInput[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const add = (head: Uint8Array, data: Uint8Array) =>
    parts.push(head, data, new Uint8Array((block - (data.length % block)) % block));
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = clean(file.name);
    if (!name || name.length > tarLimits.name)
      throw new TarError(`${file.name || "An empty name"} is no name of a file.`);
    const data = typeof file.content === "string" ? encoder.encode(file.content) : file.content;
    const place = split(name);
    if (!place) {
      const extra = record("path", name);
      add(header("PaxHeader", "", extra.length, 0o644, "x"), extra);
    }
    const [short, prefix] = place ?? ["file", ""];
    add(header(short, prefix, data.length, file.executable ? 0o755 : 0o644, "0"), data);
  }
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 2 * block));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
