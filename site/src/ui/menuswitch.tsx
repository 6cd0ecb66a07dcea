import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";

interface Props {
  on: boolean;
  onChange: (on: boolean) => void;
  hint?: ReactNode;
  children: ReactNode;
}

/** MenuSwitch is an entry of a menu that is on or off. The menu stays open. */
export const MenuSwitch = ({ on, onChange, hint, children }: Props) => (
  <Radix.CheckboxItem
    checked={on}
    onCheckedChange={onChange}
    onSelect={(event) => event.preventDefault()}
    className="flex w-full select-none items-center gap-2.5 rounded-md px-2 py-1.5 outline-none data-[highlighted]:bg-hover max-sm:py-2.5"
  >
    <span aria-hidden className="inline-flex w-4 justify-center">
      <Radix.ItemIndicator>
        <Check size={14} />
      </Radix.ItemIndicator>
    </span>
    <span className="min-w-0 flex-1">{children}</span>
    {hint}
  </Radix.CheckboxItem>
);
