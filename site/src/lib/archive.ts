import { readTar, TarError, type TarFile, tarLimits, textOf } from "./tar";

// Templates come as tar or zip; a person may also have a tar in gzip. All become a list of files.

/** What the server takes as one archive, in bytes. */
export const maxUpload = 10 << 20;

const decoder = new TextDecoder();

/** expand undoes a compression of the browser's, and stops above the limit. */
async function expand(data: Uint8Array<ArrayBuffer>, format: "gzip" | "deflate-raw"): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new TarError("The archive is damaged: a file in it cannot be expanded.");
    });
    if (done) break;
    size += value.length;
    if (size > tarLimits.bytes) {
      await reader.cancel();
      throw new TarError("The archive is larger than 100 MB.");
    }
    parts.push(value);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const damaged = () => new TarError("The archive is damaged, or is no zip.");

/** ended finds the record at the end of a zip; it may be followed by a comment. */
function ended(view: DataView): number {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 65_557); at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  throw damaged();
}

/** readZip returns the files of a zip, by name. Folders, links and names that lead elsewhere are left out. */
export async function readZip(bytes: Uint8Array<ArrayBuffer>): Promise<TarFile[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = ended(view);
  const count = view.getUint16(end + 10, true);
  if (count > tarLimits.files) throw new TarError("The archive has more than 10,000 files.");
  const files: TarFile[] = [];
  let at = view.getUint32(end + 16, true);
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw damaged();
    const [method, packed, size] = [
      view.getUint16(at + 10, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 24, true),
    ];
    const [names, extra, comment] = [28, 30, 32].map((o) => view.getUint16(at + o, true)) as [number, number, number];
    const mode = view.getUint32(at + 38, true) >>> 16;
    const local = view.getUint32(at + 42, true);
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + names));
    at += 46 + names + extra + comment;
    const parts = name.split("/").filter((p) => p !== "" && p !== ".");
    if (name.endsWith("/") || parts.includes("..") || (mode & 0o170000) === 0o120000) continue;
    if (local + 30 > end || view.getUint32(local, true) !== 0x04034b50) throw damaged();
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    total += size;
    if (total > tarLimits.bytes) throw new TarError("The archive is larger than 100 MB.");
    if (from + packed > end || (method !== 0 && method !== 8)) throw damaged();
    const held = bytes.slice(from, from + packed);
    const data = method === 8 ? await expand(held, "deflate-raw") : held;
    if (data.length !== size) throw damaged();
    files.push({ name: parts.join("/"), data, text: textOf(data), executable: (mode & 0o100) !== 0 });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** readFiles returns the files of a tar, a tar in gzip or a zip: its first bytes say which. It throws a TarError. */
export async function readFiles(bytes: Uint8Array<ArrayBuffer>): Promise<TarFile[]> {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZip(bytes);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return readTar(await expand(bytes, "gzip"));
  return readTar(bytes);
}

/** unwanted says that a file is none of the template: state, caches and histories, as `coder templates push` leaves them out. */
export function unwanted(name: string): boolean {
  return name
    .split("/")
    .some(
      (part) => part === ".terraform" || part === ".git" || part.endsWith(".tfstate") || part.includes(".tfstate."),
    );
}

/** lifted takes away a folder that all files are in: people pack a folder as often as its content. */
export function lifted<T extends { name: string }>(files: readonly T[]): T[] {
  const top = files[0]?.name.split("/")[0];
  const all = files.length > 0 && files.every((f) => f.name.startsWith(`${top}/`));
  return all ? lifted(files.map((f) => ({ ...f, name: f.name.slice(top!.length + 1) }))) : [...files];
}
