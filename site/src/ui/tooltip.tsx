import { Tooltip } from "radix-ui";
import type { ReactElement } from "react";

/** TipProvider stands once around the app. */
export const TipProvider = ({ children }: { children: React.ReactNode }) => (
  <Tooltip.Provider delayDuration={350} skipDelayDuration={200}>
    {children}
  </Tooltip.Provider>
);

/** Tip explains what it surrounds. It never holds what cannot be learned otherwise. */
export function Tip({ text, children }: { text: string; children: ReactElement }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="pop z-50 max-w-72 rounded-md border border-line bg-raised px-2 py-1 text-text text-xs shadow-pop"
        >
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
