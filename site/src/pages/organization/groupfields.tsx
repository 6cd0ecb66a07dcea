import type { ApiError } from "@/api/client";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

/** What can be set of a group; the allowance is text as long as it is typed. */
export const blankGroup = { name: "", display_name: "", avatar_url: "", quota_allowance: "0" };
type Form = typeof blankGroup;

export const groupFieldNames = ["name", "display_name", "avatar_url", "quota_allowance"];

/** groupBody is what the API is asked for. */
export const groupBody = (form: Form) => ({
  name: form.name.trim(),
  display_name: form.display_name.trim(),
  avatar_url: form.avatar_url.trim(),
  quota_allowance: Number(form.quota_allowance || "0"),
});

interface Props {
  form: Form;
  onChange: (form: Form) => void;
  error: ApiError | undefined;
  /** fixedName keeps the name as it is, and says why. */
  fixedName?: string;
  disabled?: boolean;
  focus?: boolean;
}

export function GroupFields({ form, onChange, error, fixedName, disabled, focus }: Props) {
  const field = (name: keyof Form) => ({
    value: form[name],
    onChange: (e: { target: { value: string } }) => onChange({ ...form, [name]: e.target.value }),
    disabled,
    spellCheck: false,
    autoComplete: "off",
  });
  return (
    <>
      <Field label={words.name} hint={fixedName ?? words.nameHint} error={error?.field("name")}>
        <Input
          {...field("name")}
          disabled={disabled || Boolean(fixedName)}
          required
          maxLength={32}
          autoCapitalize="none"
          autoFocus={focus}
        />
      </Field>
      <Field label={words.displayName} hint={words.displayHint} error={error?.field("display_name")}>
        <Input {...field("display_name")} maxLength={64} />
      </Field>
      <Field label={words.picture} hint={words.pictureHint} error={error?.field("avatar_url")}>
        <Input {...field("avatar_url")} maxLength={256} inputMode="url" />
      </Field>
      <Field label={words.allowance} hint={words.allowanceHint} error={error?.field("quota_allowance")}>
        <Input {...field("quota_allowance")} type="number" min={0} max={2_147_483_647} step={1} required />
      </Field>
    </>
  );
}
