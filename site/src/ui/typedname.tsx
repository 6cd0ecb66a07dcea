import { type ReactNode, useState } from "react";
import { texts } from "@/lib/texts";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Field, Input } from "./field";

interface Props {
  title: string;
  text: ReactNode;
  /** name has to be typed first, where there is one. */
  name?: string;
  act: string;
  look?: "danger" | "primary";
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

/** TypedName asks before something that ends things; the worst only after their name was typed. */
export function TypedName({ title, text, name, act, look = "danger", busy, onConfirm, onClose, children }: Props) {
  const [typed, setTyped] = useState("");
  const ready = !name || typed === name;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      text={text}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look={look} disabled={!ready} busy={busy} onClick={onConfirm}>
            {act}
          </Button>
        </>
      }
    >
      {children}
      {name ? (
        <Field label={`Type ${name} to confirm`}>
          <Input
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            onKeyDown={(e) => e.key === "Enter" && ready && !busy && onConfirm()}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
      ) : null}
    </Dialog>
  );
}
