import { Input } from "./field";

interface Props {
  id: string;
  value: string;
  min: number;
  max: number;
  onChange: (value: string) => void;
  disabled?: boolean;
  describedBy?: string;
  invalid?: boolean;
  /** number names the box in which the same value is typed. */
  number: string;
}

/** Slider takes a number between two others, by hand or typed. */
export function Slider({ id, value, min, max, onChange, disabled, describedBy, invalid, number }: Props) {
  const at = Number(value);
  return (
    <span className="flex items-center gap-3">
      <span className="min-w-0 flex-1">
        <input
          id={id}
          type="range"
          min={min}
          max={max}
          value={Number.isFinite(at) && value !== "" ? at : min}
          disabled={disabled}
          aria-describedby={describedBy}
          onChange={(e) => onChange(e.target.value)}
          className="block h-6 w-full accent-accent disabled:opacity-60"
        />
        <span aria-hidden className="flex justify-between text-muted text-xs tabular-nums">
          <span>{min}</span>
          <span>{max}</span>
        </span>
      </span>
      <span className="w-20 shrink-0 self-start">
        <Input
          aria-label={number}
          aria-invalid={invalid || undefined}
          inputMode="numeric"
          value={value}
          disabled={disabled}
          maxLength={32}
          onChange={(e) => onChange(e.target.value)}
          className="text-right tabular-nums"
        />
      </span>
    </span>
  );
}
