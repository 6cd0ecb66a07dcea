import { Avatar as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** Kbd is a key. */
export const Kbd = ({ children }: { children: ReactNode }) => (
  <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-sunken px-1 font-sans text-muted text-xs">
    {children}
  </kbd>
);

/** Skeleton stands where something will be in a moment. */
export const Skeleton = ({ className }: { className?: string }) => (
  <div aria-hidden className={cx("pulse-soft rounded-md bg-hover", className)} />
);

/** Card is a framed part of a page. */
export function Card({
  title,
  actions,
  children,
  className,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={cx("min-w-0 rounded-lg border border-line bg-surface", className)}>
      {title ? (
        <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-4 py-1.5">
          <h2 className="min-w-0 flex-1 basis-40 font-semibold">{title}</h2>
          {actions}
        </header>
      ) : null}
      {children}
    </section>
  );
}

/** Empty says that there is nothing yet, and what to do next. */
export function Empty({ title, text, children }: { title: string; text?: ReactNode; children?: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-xl flex-col items-center gap-3 px-4 py-14 text-center">
      <h2 className="font-semibold text-[0.9375rem]">{title}</h2>
      {text ? <p className="text-balance text-muted">{text}</p> : null}
      {children ? <div className="mt-2 flex w-full flex-col gap-3 text-left">{children}</div> : null}
    </div>
  );
}

/** ownImage takes pictures of this origin and pictures inside the text: others would tell strangers who looks. */
export function ownImage(src: string | undefined): string | undefined {
  return src && /^(\/(?!\/)|data:image\/(png|jpeg|gif|webp|svg\+xml)[;,])/.test(src) ? src : undefined;
}

/** Avatar is a picture, or the first letter of name. */
export function Avatar({
  name,
  src,
  square,
  size = 24,
}: {
  name: string;
  src?: string;
  square?: boolean;
  size?: number;
}) {
  const shape = square ? "rounded-md" : "rounded-full";
  return (
    <Radix.Root
      style={{ width: size, height: size }}
      className={cx("inline-flex shrink-0 select-none overflow-hidden", shape)}
    >
      {ownImage(src) ? <Radix.Image src={ownImage(src)} alt="" className="size-full object-contain" /> : null}
      <Radix.Fallback
        aria-hidden
        style={{ fontSize: Math.max(10, size * 0.46) }}
        className={cx(
          "inline-flex size-full items-center justify-center border border-line bg-accent-soft font-semibold text-accent uppercase",
          shape,
        )}
      >
        {[...name.trim()][0] ?? "?"}
      </Radix.Fallback>
    </Radix.Root>
  );
}
