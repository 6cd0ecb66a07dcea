import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import { cx } from "@/lib/cx";

/** Menu opens below its trigger, a button. */
export function Menu({
  trigger,
  children,
  align = "end",
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={6}
          collisionPadding={8}
          className="pop z-40 max-h-[70vh] min-w-52 max-w-80 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

const item =
  "flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 outline-none select-none data-[highlighted]:bg-hover data-[disabled]:opacity-55 max-sm:py-2.5";

interface ItemProps {
  icon?: ReactNode;
  children: ReactNode;
  hint?: ReactNode;
  danger?: boolean;
  /** reason says why the action is not possible. */
  reason?: string;
  onSelect?: () => void;
  /** href makes the entry a link. */
  href?: string;
}

export function MenuItem({ icon, children, hint, danger, reason, onSelect, href }: ItemProps) {
  const inside = (
    <>
      {icon ? (
        <span aria-hidden className={cx("inline-flex w-4 justify-center", danger ? "" : "text-muted")}>
          {icon}
        </span>
      ) : null}
      <span className="min-w-0 flex-1">
        {children}
        {reason ? <span className="block text-muted text-xs">{reason}</span> : null}
      </span>
      {hint}
    </>
  );
  const look = cx(item, danger && "text-bad");
  if (href && !reason) {
    return (
      <Radix.Item asChild>
        <a href={href} target="_blank" rel="noreferrer" className={look}>
          {inside}
        </a>
      </Radix.Item>
    );
  }
  return (
    <Radix.Item disabled={Boolean(reason)} onSelect={onSelect} className={look}>
      {inside}
    </Radix.Item>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  choices: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

export function MenuChoice<T extends string>({ label, value, choices, onChange }: ChoiceProps<T>) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(v) => onChange(v as T)} aria-label={label}>
      <Radix.Label className="px-2 pt-1.5 pb-1 text-muted text-xs">{label}</Radix.Label>
      {choices.map(([key, text]) => (
        <Radix.RadioItem key={key} value={key} className={item} onSelect={(e) => e.preventDefault()}>
          <span className="inline-flex w-4 justify-center">
            <Radix.ItemIndicator>
              <Check size={14} />
            </Radix.ItemIndicator>
          </span>
          {text}
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export const MenuLine = () => <Radix.Separator className="-mx-1 my-1 h-px bg-line" />;

export const MenuHead = ({ children }: { children: ReactNode }) => (
  <Radix.Label className="px-2 py-1.5">{children}</Radix.Label>
);
