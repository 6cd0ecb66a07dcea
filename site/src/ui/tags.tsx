import { X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { cx } from "@/lib/cx";
import { control } from "./field";

interface Props {
  id: string;
  value: readonly string[];
  onChange: (value: string[]) => void;
  disabled?: boolean;
  placeholder?: string;
  describedBy?: string;
  invalid?: boolean;
  /** show makes a tag fit to be shown; remove names the button that takes it away. */
  show: (tag: string) => string;
  remove: (tag: string) => string;
}

/** How many tags there may be. */
const most = 500;

/** Tags are words that one types: Enter or a comma ends one, Backspace takes the last away. */
export function Tags({ id, value, onChange, disabled, placeholder, describedBy, invalid, show, remove }: Props) {
  const [draft, setDraft] = useState("");
  const add = (text: string) => {
    const words = text
      .split(/[,\n]/)
      .map((word) => word.trim())
      .filter(Boolean);
    setDraft("");
    if (words.length > 0) onChange([...new Set([...value, ...words])].slice(0, most));
  };
  const press = (event: KeyboardEvent) => {
    if ((event.key === "Enter" || event.key === ",") && !event.nativeEvent.isComposing) {
      if (draft.trim() || event.key === ",") event.preventDefault();
      add(draft);
    } else if (event.key === "Backspace" && !draft && value.length > 0) {
      onChange(value.slice(0, -1));
    }
  };
  return (
    <span
      className={cx(
        control,
        "flex flex-wrap items-center gap-1 px-1.5 py-1 focus-within:border-accent",
        invalid && "border-bad",
      )}
    >
      {value.map((tag) => (
        <span
          key={tag}
          className="inline-flex h-6 min-w-0 max-w-full items-center gap-1 rounded-sm bg-sunken pl-2 text-sm"
        >
          <span className="truncate">{show(tag)}</span>
          <button
            type="button"
            disabled={disabled}
            aria-label={remove(show(tag))}
            onClick={() => onChange(value.filter((other) => other !== tag))}
            className="inline-flex size-6 items-center justify-center rounded-sm text-muted hover:text-text"
          >
            <X size={13} aria-hidden />
          </button>
        </span>
      ))}
      <input
        id={id}
        value={draft}
        disabled={disabled || value.length >= most}
        placeholder={value.length === 0 ? placeholder : undefined}
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        onChange={(e) => (/[,\n]/.test(e.target.value) ? add(e.target.value) : setDraft(e.target.value))}
        onKeyDown={press}
        onBlur={() => add(draft)}
        className="h-6 min-w-24 flex-1 bg-transparent px-1 text-base outline-none placeholder:text-faint max-sm:text-[16px]"
      />
    </span>
  );
}
