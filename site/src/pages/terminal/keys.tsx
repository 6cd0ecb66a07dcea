import type { Terminal } from "@xterm/xterm";
import { cx } from "@/lib/cx";
import { words } from "./texts";

interface Props {
  term: Terminal | undefined;
  /** control says that the next key is one with Ctrl. */
  control: boolean;
  onControl: () => void;
  onType: (text: string) => void;
}

const arrows = [
  ["←", "Left", "D"],
  ["↓", "Down", "B"],
  ["↑", "Up", "A"],
  ["→", "Right", "C"],
] as const;

const look =
  "inline-flex h-10 min-w-11 flex-1 select-none items-center justify-center rounded-md border border-line bg-raised text-sm active:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent";

/** Keys are those that the keyboards of phones do not have. */
export function Keys({ term, control, onControl, onType }: Props) {
  const type = (text: string) => onType(text);
  // The keyboard of the phone stays open: the focus does not move.
  const keep = (event: React.PointerEvent) => event.preventDefault();
  return (
    <div
      role="toolbar"
      aria-label={words.keys}
      className={cx("hidden shrink-0 gap-1 overflow-x-auto border-line border-t p-1 max-sm:flex pointer-coarse:flex")}
    >
      <button type="button" className={look} onPointerDown={keep} onClick={() => type("\u001b")}>
        Esc
      </button>
      <button type="button" className={look} onPointerDown={keep} onClick={() => type("\t")}>
        Tab
      </button>
      <button type="button" className={look} aria-pressed={control} onPointerDown={keep} onClick={onControl}>
        Ctrl
      </button>
      {arrows.map(([sign, name, letter]) => (
        <button
          key={letter}
          type="button"
          className={look}
          aria-label={name}
          onPointerDown={keep}
          onClick={() => type(`\u001b${term?.modes.applicationCursorKeysMode ? "O" : "["}${letter}`)}
        >
          {sign}
        </button>
      ))}
    </div>
  );
}
