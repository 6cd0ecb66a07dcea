import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";
import { control, useField } from "./field";

/** Textarea is for text of several lines, inside a Field. */
export function Textarea({ className, id, rows = 3, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      {...useField(id)}
      {...rest}
      rows={rows}
      className={cx(control, "px-2.5 py-1.5 text-base max-sm:text-[16px]", className)}
    />
  );
}
