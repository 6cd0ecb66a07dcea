import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { IconButton } from "@/ui/button";
import { marks } from "./colours";
import type { Drawn } from "./screen";
import { words } from "./texts";

/** Find searches the screen and what has left it at the top. */
export function Find({ drawn: { search }, onClose }: { drawn: Drawn; onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useEffect(() => field.current?.focus(), []);
  const [found, setFound] = useState<{ at: number; all: number }>();
  useEffect(() => {
    const heard = search.onDidChangeResults((e) => setFound({ at: e.resultIndex, all: e.resultCount }));
    return () => {
      heard.dispose();
      search.clearDecorations();
    };
  }, [search]);
  const look = (wanted: string, back: boolean, incremental = false) => {
    if (!wanted) {
      search.clearDecorations();
      setFound(undefined);
      return;
    }
    const options = { decorations: marks(), incremental };
    if (back) search.findPrevious(wanted, options);
    else search.findNext(wanted, options);
  };
  return (
    <search className="absolute top-2 right-4 left-4 z-20 ml-auto flex max-w-96 items-center gap-1 rounded-lg border border-line bg-raised p-1 shadow-pop">
      <input
        aria-label={words.searchLabel}
        placeholder={words.search}
        value={text}
        maxLength={1000}
        ref={field}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => {
          setText(event.target.value);
          look(event.target.value, false, true);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") look(text, event.shiftKey);
          else if (event.key === "Escape") onClose();
          else return;
          event.preventDefault();
        }}
        className="h-7 min-w-0 flex-1 rounded-md bg-transparent px-2 text-sm placeholder:text-faint"
      />
      <p role="status" className="shrink-0 px-1 text-muted text-xs">
        {text && found ? words.found(found.at, found.all) : ""}
      </p>
      <IconButton small silent label={words.previous} onClick={() => look(text, true)}>
        <ArrowUp size={14} />
      </IconButton>
      <IconButton small silent label={words.next} onClick={() => look(text, false)}>
        <ArrowDown size={14} />
      </IconButton>
      <IconButton small silent label={words.closeSearch} onClick={onClose}>
        <X size={14} />
      </IconButton>
    </search>
  );
}
