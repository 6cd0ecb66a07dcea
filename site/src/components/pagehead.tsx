import type { ReactNode } from "react";

/** PageHead is the title of a page within an area, what it is for, and its main action. */
export function PageHead({ title, text, actions }: { title: string; text?: ReactNode; actions?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
      <div className="min-w-0 flex-1 basis-72">
        <h1 className="font-semibold text-lg tracking-tight">{title}</h1>
        {text ? <p className="mt-0.5 max-w-2xl text-muted">{text}</p> : null}
      </div>
      {actions}
    </header>
  );
}
