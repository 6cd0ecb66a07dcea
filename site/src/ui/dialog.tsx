import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { IconButton } from "./button";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** text says what this is about; screen readers hear it when the dialog opens. */
  text?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  className?: string;
}

export function Dialog({ open, onOpenChange, title, text, children, footer, className }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-veil" />
        <Radix.Content
          {...(text ? {} : { "aria-describedby": undefined })}
          className={cx(
            "pop -translate-x-1/2 fixed top-[12vh] left-1/2 z-40 flex max-h-[80vh] w-[calc(100vw-2rem)] max-w-md flex-col rounded-lg border border-line bg-raised shadow-pop",
            className,
          )}
        >
          <div className="flex items-start gap-4 px-5 pt-4">
            <Radix.Title className="min-w-0 flex-1 font-semibold text-[0.9375rem] leading-6">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton silent label="Close" className="-mr-2 -mt-1">
                <X size={16} />
              </IconButton>
            </Radix.Close>
          </div>
          <div className="flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pt-1 pb-5">
            {text ? <Radix.Description className="text-muted">{text}</Radix.Description> : null}
            {children}
          </div>
          {footer ? (
            <div className="flex flex-wrap justify-end gap-2 border-line border-t px-5 py-3">{footer}</div>
          ) : null}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
