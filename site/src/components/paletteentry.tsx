import { Command } from "cmdk";
import type { ReactNode } from "react";

/** Group is a part of the palette with a heading. */
export const Group = ({ heading, children }: { heading: string; children: ReactNode }) => (
  <Command.Group
    heading={heading}
    className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-muted [&_[cmdk-group-heading]]:text-xs"
  >
    {children}
  </Command.Group>
);

interface EntryProps {
  icon: ReactNode;
  children: string;
  hint?: string;
  /** value is what the search looks at, and has to be unlike all others. */
  value?: string;
  onSelect: () => void;
}

/** Entry is a line of the palette. */
export const Entry = ({ icon, children, hint, value, onSelect }: EntryProps) => (
  <Command.Item
    value={value ?? children}
    onSelect={onSelect}
    className="flex items-center gap-2.5 rounded-md px-2.5 py-2 data-[selected=true]:bg-hover"
  >
    <span aria-hidden className="inline-flex w-5 shrink-0 justify-center text-muted">
      {icon}
    </span>
    <span className="min-w-0 flex-1 truncate">{children}</span>
    {hint ? <span className="max-w-40 truncate text-muted text-xs">{hint}</span> : null}
  </Command.Item>
);
