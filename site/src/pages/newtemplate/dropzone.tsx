import { useMutation } from "@tanstack/react-query";
import { FolderUp, LoaderCircle } from "lucide-react";
import { useRef, useState } from "react";
import { ApiErrorBox } from "@/components/apierror";
import { cx } from "@/lib/cx";
import { Button } from "@/ui/button";
import { fromArchive, fromDrop, fromFolder, type Upload } from "./source";
import { words } from "./texts";

/** Dropzone takes a folder or an archive, dropped or chosen. */
export function Dropzone({ onUpload }: { onUpload: (upload: Upload) => void }) {
  const archive = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = useMutation({ mutationFn: (work: () => Promise<Upload>) => work(), onSuccess: onUpload });
  const chosen = (input: HTMLInputElement) => {
    const files = [...(input.files ?? [])];
    input.value = "";
    if (files.length === 0) return;
    if (input === archive.current) return take.mutate(() => fromArchive(files[0]!));
    const named = files.map((file) => ({ name: file.webkitRelativePath || file.name, file }));
    take.mutate(() => fromFolder(named[0]!.name.split("/")[0] ?? "", named));
  };
  return (
    <section
      aria-label={words.upload}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        const taken = fromDrop(e.dataTransfer);
        take.mutate(() => taken);
      }}
      className={cx(
        "flex flex-col gap-3 rounded-lg border border-dashed p-5 transition-colors",
        over ? "border-accent bg-accent-soft" : "border-line-strong bg-surface",
      )}
    >
      <div className="flex gap-3">
        {take.isPending ? (
          <LoaderCircle size={20} aria-hidden className="mt-0.5 shrink-0 animate-spin text-muted" />
        ) : (
          <FolderUp size={20} aria-hidden className="mt-0.5 shrink-0 text-muted" />
        )}
        <div className="min-w-0 flex-1">
          <h3 className="font-semibold">{words.upload}</h3>
          <p className="text-muted text-sm" aria-live="polite">
            {take.isPending ? words.reading : over ? words.drop : words.uploadText}
          </p>
        </div>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button size="sm" busy={take.isPending} onClick={() => archive.current?.click()}>
          {words.chooseFile}
        </Button>
        <Button size="sm" busy={take.isPending} onClick={() => folder.current?.click()}>
          {words.chooseFolder}
        </Button>
      </div>
      <input
        ref={archive}
        type="file"
        hidden
        aria-label={words.chooseFile}
        accept=".tar,.zip,.gz,.tgz"
        onChange={(e) => chosen(e.target)}
      />
      <input
        ref={folder}
        type="file"
        hidden
        aria-label={words.chooseFolder}
        onChange={(e) => chosen(e.target)}
        {...{ webkitdirectory: "" }}
      />
      {take.isError ? <ApiErrorBox error={take.error} /> : null}
    </section>
  );
}
