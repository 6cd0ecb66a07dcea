import type { ComponentProps } from "react";
import { cx } from "@/lib/cx";
import { control } from "./field";

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      rows={4}
      {...rest}
      className={cx(control, "block min-h-20 resize-y px-2.5 py-1.5 text-base max-sm:text-[16px]", className)}
    />
  );
}
