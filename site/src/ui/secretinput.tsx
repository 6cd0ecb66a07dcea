import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, useState } from "react";
import { cx } from "@/lib/cx";
import { IconButton } from "./button";
import { Input } from "./field";
import { Textarea } from "./textarea";

interface Words {
  show: string;
  hide: string;
}

/** SecretInput hides what is typed until it is asked to show it. */
export function SecretInput({ words, className, ...rest }: ComponentProps<"input"> & { words: Words }) {
  const [shown, setShown] = useState(false);
  return (
    <span className="relative block">
      <Input
        {...rest}
        type={shown ? "text" : "password"}
        autoComplete="off"
        spellCheck={false}
        className={cx("pr-10", className)}
      />
      <Reveal words={words} shown={shown} onChange={setShown} />
    </span>
  );
}

/** SecretTextarea is a SecretInput of several lines. */
export function SecretTextarea({ words, className, ...rest }: ComponentProps<"textarea"> & { words: Words }) {
  const [shown, setShown] = useState(false);
  return (
    <span className="relative block">
      <Textarea
        {...rest}
        autoComplete="off"
        spellCheck={false}
        className={cx("pr-10", !shown && "[-webkit-text-security:disc]", className)}
      />
      <Reveal words={words} shown={shown} onChange={setShown} />
    </span>
  );
}

function Reveal({ words, shown, onChange }: { words: Words; shown: boolean; onChange: (shown: boolean) => void }) {
  return (
    <span className="absolute top-0.5 right-0.5 max-sm:top-1.5">
      <IconButton small label={shown ? words.hide : words.show} aria-pressed={shown} onClick={() => onChange(!shown)}>
        {shown ? <EyeOff size={15} /> : <Eye size={15} />}
      </IconButton>
    </span>
  );
}
