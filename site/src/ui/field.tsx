import { Check, ChevronDown, Minus } from "lucide-react";
import { Checkbox as Box } from "radix-ui";
import { type ComponentProps, createContext, type ReactNode, useContext, useId } from "react";
import { cx } from "@/lib/cx";

interface Ids {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}

const Context = createContext<Ids | undefined>(undefined);

interface FieldProps {
  label: string;
  /** error is what is wrong with the value; it takes the place of the hint. */
  error?: string;
  hint?: ReactNode;
  children: ReactNode;
}

/** Field puts a label above one control, and what is to be said of it below. */
export function Field({ label, error, hint, children }: FieldProps) {
  const id = useId();
  const note = error || hint;
  const noteId = `${id}-note`;
  return (
    <Context value={{ id, describedBy: note ? noteId : undefined, invalid: Boolean(error) }}>
      <div className="flex flex-col gap-1.5">
        <label htmlFor={id} className="font-medium text-sm">
          {label}
        </label>
        {children}
        {note ? (
          <p
            id={noteId}
            className={cx("text-xs first-letter:uppercase", error ? "text-bad" : "text-muted")}
            role={error ? "alert" : undefined}
          >
            {note}
          </p>
        ) : null}
      </div>
    </Context>
  );
}

/** control is the look of what is typed into. */
export const control =
  "w-full min-w-0 rounded-md border border-line-strong bg-surface text-text transition-colors placeholder:text-faint hover:border-faint aria-invalid:border-bad disabled:opacity-60";

export function useField(given: string | undefined) {
  const field = useContext(Context);
  return {
    id: given ?? field?.id,
    "aria-describedby": field?.describedBy,
    "aria-invalid": field?.invalid || undefined,
  };
}

export function Input({ className, id, ...rest }: ComponentProps<"input">) {
  return (
    <input
      {...useField(id)}
      {...rest}
      className={cx(control, "h-8 px-2.5 text-base max-sm:h-10 max-sm:text-[16px]", className)}
    />
  );
}

/** Select is the browser's own: it works with every keyboard, reader and phone. */
export function Select({ className, id, children, ...rest }: ComponentProps<"select">) {
  return (
    <span className={cx("relative inline-flex", className)}>
      <select {...useField(id)} {...rest} className={cx(control, "h-8 appearance-none pr-8 pl-2.5 text-base")}>
        {children}
      </select>
      <ChevronDown
        size={14}
        aria-hidden
        className="-translate-y-1/2 pointer-events-none absolute top-1/2 right-2.5 text-muted"
      />
    </span>
  );
}

interface CheckboxProps {
  label: string;
  /** bare shows no label, only says it. */
  bare?: boolean;
  checked: boolean | "indeterminate";
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Checkbox({ label, bare, checked, onChange, disabled }: CheckboxProps) {
  const id = useId();
  return (
    <span className={cx("items-start gap-2", bare ? "flex" : "inline-flex")}>
      <Box.Root
        id={id}
        aria-label={bare ? label : undefined}
        checked={checked}
        disabled={disabled}
        onCheckedChange={(value) => onChange(value === true)}
        className={cx(
          !bare && "mt-0.5",
          "relative inline-flex size-4 shrink-0 items-center justify-center rounded-sm border border-line-strong bg-surface after:absolute after:-inset-2 data-[state=checked]:border-accent data-[state=indeterminate]:border-accent data-[state=checked]:bg-accent data-[state=indeterminate]:bg-accent",
        )}
      >
        <Box.Indicator className="text-on-accent">
          {checked === "indeterminate" ? <Minus size={12} strokeWidth={3} /> : <Check size={12} strokeWidth={3} />}
        </Box.Indicator>
      </Box.Root>
      {bare ? null : <label htmlFor={id}>{label}</label>}
    </span>
  );
}
