import { type ReactNode, useId, useState } from "react";
import { cx } from "@/lib/cx";
import { Input } from "./field";

export interface Suggestion {
  value: string;
  label: ReactNode;
}

interface Props {
  value: string;
  onChange: (text: string) => void;
  /** onPick takes a suggestion; without it the value alone is filled in. */
  onPick?: (value: string) => void;
  suggestions: readonly Suggestion[];
  placeholder?: string;
  maxLength?: number;
  /** empty stands where nothing is suggested for what was typed. */
  empty?: string;
  autoFocus?: boolean;
}

/**
 * Suggest is a text field with suggestions below it; other text may be typed as well. The list
 * stays when the focus leaves: what stands below it must not move away under a click.
 */
export function Suggest({ value, onChange, onPick, suggestions, empty, ...rest }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const pick = (s: Suggestion | undefined) => {
    if (!s) return;
    onChange(s.value);
    onPick?.(s.value);
    setOpen(false);
    setAt(-1);
  };
  const move = (step: number) => {
    setOpen(true);
    if (suggestions.length > 0) setAt((n) => (n + step + suggestions.length) % suggestions.length);
  };
  const shown = open && (suggestions.length > 0 || (empty && value));
  const current = shown && at >= 0 ? suggestions[at] : undefined;
  return (
    <div className="relative">
      <Input
        {...rest}
        role="combobox"
        aria-expanded={Boolean(shown)}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={current ? `${id}-${at}` : undefined}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={value}
        onChange={(e) => {
          onChange(e.target.value);
          setOpen(true);
          setAt(-1);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown") move(1);
          else if (e.key === "ArrowUp") move(-1);
          else if (e.key === "Enter" && current) pick(current);
          else if (e.key === "Escape" && shown) {
            e.stopPropagation();
            setOpen(false);
            return;
          } else return;
          e.preventDefault();
        }}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Suggestions"
        className={cx(
          "mt-1 max-h-56 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-pop",
          !shown && "hidden",
        )}
      >
        {suggestions.map((s, i) => (
          <div
            key={s.value}
            id={`${id}-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            // The field keeps the focus: a blur would close the list before the click.
            onPointerDown={(e) => e.preventDefault()}
            onClick={() => pick(s)}
            onKeyDown={() => {}}
            className={cx("cursor-pointer rounded-sm px-2 py-1.5 hover:bg-hover", i === at && "bg-hover")}
          >
            {s.label}
          </div>
        ))}
        {suggestions.length === 0 && empty ? <p className="px-2 py-1.5 text-muted text-sm">{empty}</p> : null}
      </div>
    </div>
  );
}
