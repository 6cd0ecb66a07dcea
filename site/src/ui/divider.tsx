import { useRef } from "react";
import { cx } from "@/lib/cx";

interface Props {
  label: string;
  /** The width, in pixels, of the pane that is given another. */
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
  /** after says that the pane stands behind the divider. */
  after?: boolean;
  className?: string;
}

/** Divider stands between two panes and is moved by hand or by the arrow keys. */
export function Divider({ label, value, min, max, onChange, after, className }: Props) {
  const from = useRef<{ x: number; value: number }>(undefined);
  const to = (wanted: number) => onChange(Math.round(Math.min(max, Math.max(min, wanted))));
  const way = after ? -1 : 1;
  return (
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        from.current = { x: e.clientX, value };
      }}
      onPointerMove={(e) => {
        if (from.current) to(from.current.value + way * (e.clientX - from.current.x));
      }}
      onPointerUp={() => {
        from.current = undefined;
      }}
      onPointerCancel={() => {
        from.current = undefined;
      }}
      onKeyDown={(e) => {
        const step = { ArrowLeft: -24, ArrowRight: 24 }[e.key];
        if (!step) return;
        e.preventDefault();
        to(value + way * step);
      }}
      className={cx(
        "-mx-1 relative z-10 w-2 cursor-col-resize touch-none outline-offset-[-2px] after:absolute after:inset-y-0 after:left-1/2 after:w-px after:bg-line hover:after:w-0.5 hover:after:bg-accent",
        className,
      )}
    />
  );
}
