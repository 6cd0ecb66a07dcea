import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  tabs: readonly (readonly [key: string, label: ReactNode])[];
  children: ReactNode;
}

/** Tabs show one Panel of several. Which one belongs into the URL. */
export function Tabs({ label, value, onChange, tabs, children }: Props) {
  return (
    <Radix.Root value={value} onValueChange={onChange} activationMode="manual">
      <Radix.List aria-label={label} className="flex gap-1 overflow-x-auto border-line border-b">
        {tabs.map(([key, text]) => (
          <Radix.Trigger
            key={key}
            value={key}
            className="-mb-px inline-flex h-9 items-center gap-2 whitespace-nowrap border-transparent border-b-2 px-2.5 font-medium text-muted outline-offset-[-2px] transition-colors hover:text-text data-[state=active]:border-accent data-[state=active]:text-text"
          >
            {text}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children}
    </Radix.Root>
  );
}

export const Panel = ({ value, children }: { value: string; children: ReactNode }) => (
  <Radix.Content value={value} className="pt-5 outline-none">
    {children}
  </Radix.Content>
);
