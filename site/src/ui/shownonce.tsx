import type { ReactNode } from "react";
import { Button } from "./button";
import { CodeBlock } from "./codeblock";
import { Dialog } from "./dialog";

interface Props {
  title: string;
  text: ReactNode;
  secret: string;
  /** label says what the secret is. */
  label: string;
  done: string;
  onClose: () => void;
  children?: ReactNode;
}

/** ShownOnce shows a secret that nobody can read again. */
export function ShownOnce({ title, text, secret, label, done, onClose, children }: Props) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      text={text}
      className="max-w-lg"
      footer={
        <Button look="primary" onClick={onClose}>
          {done}
        </Button>
      }
    >
      <CodeBlock code={secret} label={label} />
      {children}
    </Dialog>
  );
}
