import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";
import { Tip } from "./tooltip";

type Look = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-strong",
  plain: "bg-surface text-text border-line-strong hover:bg-hover",
  quiet: "bg-transparent text-muted border-transparent hover:bg-hover hover:text-text",
  danger: "bg-bad-fill text-white border-transparent hover:brightness-110",
};

/** buttonClass is for what looks like a button and is a link. */
export function buttonClass(look: Look = "plain", size: "sm" | "md" = "md"): string {
  return cx(
    "inline-flex shrink-0 select-none items-center justify-center gap-2 rounded-md border font-medium whitespace-nowrap transition-colors",
    size === "sm" ? "h-7 px-2.5 text-sm" : "h-8 px-3 text-base",
    "aria-disabled:cursor-not-allowed aria-disabled:opacity-55 disabled:cursor-not-allowed disabled:opacity-55",
    looks[look],
  );
}

interface Props extends ComponentProps<"button"> {
  look?: Look;
  size?: "sm" | "md";
  /** busy shows that what was asked for is under way; the button does nothing meanwhile. */
  busy?: boolean;
  /** reason says why the action is not possible. The button is disabled then, and can still be reached. */
  reason?: string;
  icon?: ReactNode;
}

export function Button({
  look = "plain",
  size = "md",
  busy,
  reason,
  icon,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: Props) {
  const off = Boolean(busy || reason);
  const button = (
    <button
      {...rest}
      type={type}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (off) event.preventDefault();
        else onClick?.(event);
      }}
      className={cx(buttonClass(look, size), className)}
    >
      {busy ? <LoaderCircle size={15} className="animate-spin" aria-hidden /> : icon}
      {children}
    </button>
  );
  return reason ? <Tip text={reason}>{button}</Tip> : button;
}

interface IconProps extends ComponentProps<"button"> {
  label: string;
  small?: boolean;
  /** silent shows no tooltip: in a dialog it would take the key that closes the dialog. */
  silent?: boolean;
}

/** IconButton is a button without words; its label is its tooltip and its name. */
export function IconButton({ label, small, silent, className, type = "button", children, ...rest }: IconProps) {
  const button = (
    <button
      {...rest}
      type={type}
      aria-label={label}
      className={cx(
        small ? "size-7" : "size-8",
        "inline-flex shrink-0 items-center justify-center rounded-md text-muted transition-colors hover:bg-hover hover:text-text disabled:cursor-not-allowed disabled:opacity-45 data-[state=open]:bg-hover",
        className,
      )}
    >
      {children}
    </button>
  );
  return silent ? button : <Tip text={label}>{button}</Tip>;
}
