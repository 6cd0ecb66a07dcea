import type { VersionWish } from "@/components/versionbuild";
import { lifted, readFiles, unwanted } from "@/lib/archive";
import { TarError, type TarInput, tarLimits } from "@/lib/tar";
import { words } from "./texts";

/** Upload is what a person has brought: its name, and what is sent of it. */
export interface Upload {
  label: string;
  files: number;
  source: VersionWish["source"];
}

function checked(names: readonly { name: string }[]) {
  if (names.length === 0) throw new TarError(words.nothing);
  if (!names.some((f) => /^[^/]+\.tf(\.json)?$/.test(f.name))) throw new TarError(words.noTerraform);
}

/** fromArchive reads an archive. What needs no change is sent as it is, links and all. */
export async function fromArchive(file: File): Promise<Upload> {
  if (file.size > tarLimits.bytes) throw new TarError(words.tooLarge);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const all = await readFiles(bytes);
  const files = lifted(all.filter((f) => !unwanted(f.name)));
  checked(files);
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const same = !packed && files.length === all.length && files.every((f, i) => f.name === all[i]!.name);
  const label = file.name;
  if (same) {
    return {
      label,
      files: files.length,
      source: { archive: bytes, type: zip ? "application/zip" : "application/x-tar" },
    };
  }
  return {
    label,
    files: files.length,
    source: { files: files.map((f) => ({ name: f.name, content: f.data, executable: f.executable })) },
  };
}

/** fromFolder takes the files of a folder, as a picker or a drop gives them. */
export async function fromFolder(label: string, given: readonly { name: string; file: File }[]): Promise<Upload> {
  const wanted = given.filter((f) => !unwanted(f.name));
  if (wanted.length > tarLimits.files) throw new TarError(words.tooMany);
  if (wanted.reduce((sum, f) => sum + f.file.size, 0) > tarLimits.bytes) throw new TarError(words.tooLarge);
  const files: TarInput[] = [];
  for (const { name, file } of wanted) {
    // A browser does not tell which files may be run; scripts say so themselves.
    const content = new Uint8Array(await file.arrayBuffer());
    files.push({ name, content, executable: content[0] === 0x23 && content[1] === 0x21 });
  }
  const top = lifted(files);
  checked(top);
  return { label, files: top.length, source: { files: top } };
}

/** entriesBelow lists the files of a folder that was dropped. */
async function entriesBelow(entry: FileSystemDirectoryEntry): Promise<{ name: string; file: File }[]> {
  const out: { name: string; file: File }[] = [];
  const walk = async (dir: FileSystemDirectoryEntry, depth: number) => {
    if (unwanted(dir.name) || depth > 32) return;
    const reader = dir.createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
      if (some.length === 0) return;
      for (const one of some) {
        if (out.length > tarLimits.files) throw new TarError(words.tooMany);
        if (one.isDirectory) await walk(one as FileSystemDirectoryEntry, depth + 1);
        else {
          const file = await new Promise<File>((done, fail) => (one as FileSystemFileEntry).file(done, fail));
          out.push({ name: one.fullPath.replace(/^\//, ""), file });
        }
      }
    }
  };
  await walk(entry, 0);
  return out;
}

/** fromDrop takes what was dropped: a folder, an archive, or a few files. It throws a TarError. */
export async function fromDrop(data: DataTransfer): Promise<Upload> {
  // The list is empty after the first pause.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  const folder = entries.find((e) => e?.isDirectory);
  if (folder && entries.length === 1) {
    return fromFolder(folder.name, await entriesBelow(folder as FileSystemDirectoryEntry));
  }
  if (files.length === 1 && !/\.tf(\.json)?$/.test(files[0]!.name)) return fromArchive(files[0]!);
  return fromFolder(
    words.fileCount(files.length),
    files.map((file) => ({ name: file.name, file })),
  );
}
