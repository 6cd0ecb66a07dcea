import type { TarFile, TarInput } from "@/lib/tar";
import { words } from "./texts";

// The files of a template as they are edited. Maps are never changed, only replaced.

/** A file: text that can be edited, or bytes that are kept as they are. */
export type Doc = { text: string; executable: boolean } | { data: Uint8Array; executable: boolean };
export type Files = ReadonlyMap<string, Doc>;

/** Larger texts, in characters, are not opened: they are kept as they are. */
export const largestText = 512 << 10;
/** A draft larger than this, in characters, does not survive a reload. */
export const largestDraft = 2 << 20;

export function filesOf(files: readonly TarFile[]): Files {
  return new Map(
    files.map(({ name, text, data, executable }) => [
      name,
      text !== undefined && text.length <= largestText ? { text, executable } : { data, executable },
    ]),
  );
}

export function archiveOf(files: Files): TarInput[] {
  return [...files].map(([name, doc]) => ({
    name,
    content: "text" in doc ? doc.text : doc.data,
    executable: doc.executable,
  }));
}

function same(a: Doc | undefined, b: Doc | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && "text" in a && "text" in b && a.text === b.text;
}

/** changed are the paths that are new or differ from base, and those that base has and files has not. */
export function changed(base: Files, files: Files): Set<string> {
  const out = new Set<string>();
  for (const [path, doc] of files) if (!same(doc, base.get(path))) out.add(path);
  for (const path of base.keys()) if (!files.has(path)) out.add(path);
  return out;
}

/** inside are the files that a path stands for: itself, or what is below the folder. */
export function inside(files: Files, path: string): string[] {
  return files.has(path) ? [path] : [...files.keys()].filter((p) => p.startsWith(`${path}/`));
}

/** wrongPath says what is wrong with the path of a new file or folder; "" where nothing is. */
export function wrongPath(files: Files, path: string): string {
  const parts = path.split("/");
  if (path === "") return words.pathEmpty;
  if (path.length > 512) return words.pathLong;
  if (path.startsWith("/") || path.endsWith("/") || parts.some((p) => p === "" || p === "." || p === "..")) {
    return words.pathParts;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path)) return words.pathSigns;
  if (inside(files, path).length > 0) return words.pathThere(path);
  const above = parts.map((_, i) => parts.slice(0, i).join("/")).find((p) => files.has(p));
  return above ? words.pathFile(above) : "";
}

/** moved gives a file, or all below a folder, another path. */
export function moved(files: Files, from: string, to: string): Files {
  const going = new Set(inside(files, from));
  return new Map([...files].map(([path, doc]) => [going.has(path) ? to + path.slice(from.length) : path, doc]));
}

/** without leaves out a file, or all below a folder. */
export function without(files: Files, path: string): Files {
  const going = new Set(inside(files, path));
  return new Map([...files].filter(([p]) => !going.has(p)));
}

export const withText = (files: Files, path: string, text: string): Files =>
  new Map(files).set(path, { text, executable: files.get(path)?.executable ?? text.startsWith("#!") });

/** A change of a draft: a text, bytes of another file of base, or null for what is deleted. */
type Change = { text: string; executable: boolean } | { like: string } | null;

/** draftOf writes down how files differ from base, or undefined where that is too much. */
export function draftOf(base: Files, files: Files): string | undefined {
  const out: Record<string, Change> = {};
  for (const path of changed(base, files)) {
    const doc = files.get(path);
    if (!doc) out[path] = null;
    else if ("text" in doc) out[path] = { text: doc.text, executable: doc.executable };
    else {
      // Bytes only come from base: they are there under another name.
      const like = [...base].find(([, other]) => other === doc)?.[0];
      if (!like) return undefined;
      out[path] = { like };
    }
  }
  const text = JSON.stringify(out);
  return text.length <= largestDraft ? text : undefined;
}

/** restored puts a draft over base. What is no draft changes nothing. */
export function restored(base: Files, draft: string | null): Files {
  if (!draft) return base;
  try {
    const out = new Map(base);
    for (const [path, change] of Object.entries(JSON.parse(draft) as Record<string, Change>)) {
      if (change === null) out.delete(path);
      else if ("like" in change) {
        const doc = base.get(change.like);
        if (doc) out.set(path, doc);
      } else if (typeof change.text === "string") out.set(path, { text: change.text, executable: !!change.executable });
    }
    return out;
  } catch {
    return base;
  }
}

/** A folder or a file of the tree; a folder has children. */
export interface Node {
  name: string;
  path: string;
  children?: Node[];
}

/** treeOf sorts paths into folders: folders first, then files, by name. */
export function treeOf(paths: Iterable<string>): Node[] {
  const root: Node = { name: "", path: "", children: [] };
  const folders = new Map([["", root]]);
  const folder = (path: string): Node => {
    const known = folders.get(path);
    if (known) return known;
    const cut = path.lastIndexOf("/");
    const made: Node = { name: path.slice(cut + 1), path, children: [] };
    folders.set(path, made);
    folder(cut < 0 ? "" : path.slice(0, cut)).children!.push(made);
    return made;
  };
  for (const path of paths) {
    const cut = path.lastIndexOf("/");
    folder(cut < 0 ? "" : path.slice(0, cut)).children!.push({ name: path.slice(cut + 1), path });
  }
  for (const { children } of folders.values()) {
    children!.sort((a, b) => Number(!a.children) - Number(!b.children) || (a.name < b.name ? -1 : 1));
  }
  return root.children!;
}

/** firstOf is the file to begin with. */
export function firstOf(files: Files): string | undefined {
  const texts = [...files].filter(([, doc]) => "text" in doc).map(([path]) => path);
  return texts.find((p) => p === "main.tf") ?? texts.find((p) => p.endsWith(".tf")) ?? texts[0];
}
