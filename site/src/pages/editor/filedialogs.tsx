import { type FormEvent, useState } from "react";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { type Files, inside, wrongPath } from "./model";
import { words } from "./texts";
import type { Act } from "./tree";

interface Props {
  act: Act;
  files: Files;
  onClose: () => void;
  onNew: (path: string) => void;
  onRename: (from: string, to: string) => void;
  onRemove: (path: string) => void;
}

/** FileDialog asks for what a change of the tree needs. */
export function FileDialog({ act, files, onClose, onNew, onRename, onRemove }: Props) {
  if (act.kind === "remove") {
    return (
      <Dialog
        open
        onOpenChange={(open) => !open && onClose()}
        title={words.removeOf(plain(act.path, 100))}
        text={words.removeText(inside(files, act.path).length)}
        footer={
          <>
            <Button onClick={onClose}>{texts.cancel}</Button>
            <Button look="danger" onClick={() => onRemove(act.path)}>
              {words.remove}
            </Button>
          </>
        }
      />
    );
  }
  const rename = act.kind === "rename";
  return (
    <PathDialog
      title={rename ? words.renameOf(plain(act.path, 100)) : words.newFile}
      text={rename ? undefined : words.newFileText}
      action={rename ? words.rename : words.create}
      start={act.path}
      files={files}
      onClose={onClose}
      onDone={(path) => (rename ? onRename(act.path, path) : onNew(path))}
    />
  );
}

interface PathProps {
  title: string;
  text: string | undefined;
  action: string;
  start: string;
  files: Files;
  onClose: () => void;
  onDone: (path: string) => void;
}

function PathDialog({ title, text, action, start, files, onClose, onDone }: PathProps) {
  const [path, setPath] = useState(start);
  const [tried, setTried] = useState(false);
  const wrong = path === start && start !== "" && !start.endsWith("/") ? "" : wrongPath(files, path.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong) return setTried(true);
    if (path.trim() === start) return onClose();
    onDone(path.trim());
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={title} text={text}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field label={words.path} error={tried ? wrong : undefined}>
          <Input
            value={path}
            onChange={(e) => setPath(e.target.value)}
            spellCheck={false}
            autoComplete="off"
            className="font-mono"
          />
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button type="submit" look="primary">
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
