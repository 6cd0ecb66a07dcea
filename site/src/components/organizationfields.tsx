import type { ApiError } from "@/api/client";
import { Field, Input } from "@/ui/field";

/** What can be set of an organization. */
export interface OrganizationForm {
  name: string;
  display_name: string;
  description: string;
  icon: string;
}

export const organizationFieldNames = ["name", "display_name", "description", "icon"];

interface Props {
  form: OrganizationForm;
  onChange: (form: OrganizationForm) => void;
  error: ApiError | undefined;
  disabled?: boolean;
  focus?: boolean;
}

export function OrganizationFields({ form, onChange, error, disabled, focus }: Props) {
  const field = (name: keyof OrganizationForm) => ({
    value: form[name],
    onChange: (e: { target: { value: string } }) => onChange({ ...form, [name]: e.target.value }),
    disabled,
    autoComplete: "off",
  });
  return (
    <>
      <Field
        label="Name"
        hint="Letters, digits and hyphens. It is part of addresses and of commands."
        error={error?.field("name")}
      >
        <Input {...field("name")} required maxLength={32} spellCheck={false} autoCapitalize="none" autoFocus={focus} />
      </Field>
      <Field label="Display name" hint="What people read. May be empty." error={error?.field("display_name")}>
        <Input {...field("display_name")} maxLength={64} />
      </Field>
      <Field label="Description" hint="May be empty." error={error?.field("description")}>
        <Input {...field("description")} maxLength={256} />
      </Field>
      <Field
        label="Icon"
        hint="A path of this server or an https:// address. Pictures of other sites are not shown in this dashboard."
        error={error?.field("icon")}
      >
        <Input {...field("icon")} maxLength={256} inputMode="url" spellCheck={false} />
      </Field>
    </>
  );
}
