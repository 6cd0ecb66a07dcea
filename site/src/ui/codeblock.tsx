import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./button";

/** CopyButton puts text on the clipboard and says whether that worked. */
export function CopyButton({ text, label = "Copy" }: { text: string | (() => string); label?: string }) {
  const [state, setState] = useState<"idle" | "copied" | "refused">("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      setState("copied");
    } catch {
      setState("refused");
    }
    setTimeout(() => setState("idle"), 2000);
  };
  const word = { idle: label, copied: "Copied", refused: "The browser does not allow it: select the text" }[state];
  return (
    <>
      <IconButton label={word} onClick={copy} small>
        {state === "copied" ? <Check size={14} className="text-ok" /> : <Copy size={14} />}
      </IconButton>
      <span role="status" className="sr-only">
        {state === "idle" ? "" : word}
      </span>
    </>
  );
}

/** CodeBlock is a command to copy, or a few lines of text. */
export function CodeBlock({ code, label }: { code: string; label?: string }) {
  return (
    <div className="flex min-w-0 items-start gap-2 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
      <pre
        tabIndex={0}
        role="group"
        aria-label={label ?? "Command"}
        className="min-w-0 flex-1 overflow-x-auto whitespace-pre py-1 font-mono text-sm leading-5 [font-variant-ligatures:none]"
      >
        {code}
      </pre>
      <CopyButton text={code} />
    </div>
  );
}
