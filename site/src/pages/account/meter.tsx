import { cx } from "@/lib/cx";

/** Meter shows how much of something is used. */
export function Meter({ label, value, most }: { label: string; value: number; most: number }) {
  const part = most > 0 ? Math.min(1, value / most) : 1;
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={most}
      aria-valuenow={Math.min(value, most)}
      className="h-1.5 max-w-60 overflow-hidden rounded-full bg-hover"
    >
      <div
        style={{ width: `${part * 100}%` }}
        className={cx("h-full rounded-full", part >= 1 ? "bg-bad" : part > 0.8 ? "bg-warn" : "bg-accent")}
      />
    </div>
  );
}
