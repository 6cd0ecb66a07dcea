import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { basePath } from "@/api/base";
import { ApiError, request } from "@/api/client";
import type { CreateUserRequest } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { loginTypes } from "@/components/person";
import { RolePicker } from "@/components/roles";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Dialog } from "@/ui/dialog";
import { Checkbox, Field, Input, Select } from "@/ui/field";
import { NewPassword } from "./newpassword";
import { words } from "./texts";

type Login = "password" | "oidc" | "github" | "none";
const logins: readonly Login[] = ["password", "oidc", "github", "none"];

const blank = { service: false, username: "", name: "", email: "", login: "password" as Login, password: "" };
type Form = typeof blank;

/** What the API is asked for: what does not belong to the kind of user is left out. */
function bodyOf(form: Form, roles: string[], organizations: string[]): CreateUserRequest {
  const base = {
    username: form.username.trim(),
    name: form.name.trim() || undefined,
    roles: roles.length > 0 ? roles : undefined,
    organization_ids: organizations.length > 0 ? organizations : undefined,
  };
  if (form.service) return { ...base, service_account: true };
  return {
    ...base,
    email: form.email.trim(),
    login_type: form.login,
    password: form.login === "password" ? form.password : undefined,
  };
}

export function Create({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [form, setForm] = useState<Form>(blank);
  const [roles, setRoles] = useState<string[]>([]);
  const [organizations, setOrganizations] = useState<string[]>([]);
  const make = useChange((body: CreateUserRequest) => request("POST /api/v2/users", { body }), {
    stale: ["GET /api/v2/users"],
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!make.isPending) make.mutate(bodyOf(form, roles, organizations));
  };
  const open = (user: string) => void navigate({ to: "/deployment/users/$user", params: { user } });
  const made = make.data;
  if (made) {
    const secret = !form.service && form.login === "password" ? form.password : "";
    const lines = [`${window.location.origin}${basePath}/login`, made.email, secret];
    return (
      <Dialog
        open
        onOpenChange={(on) => !on && onClose()}
        title={words.createdTitle(plain(made.username, 64))}
        text={secret ? words.createdText : form.service ? words.createdService : undefined}
        footer={
          <>
            <Button
              onClick={() => {
                make.reset();
                setForm({ ...blank, service: form.service, login: form.login });
              }}
            >
              {words.another}
            </Button>
            <Button look="primary" onClick={() => open(made.username)}>
              {words.openUser}
            </Button>
          </>
        }
      >
        {secret ? <CodeBlock code={lines.join("\n")} label={words.createdText} /> : null}
        {form.service ? <CodeBlock code={words.tokenCommand(made.username)} /> : null}
      </Dialog>
    );
  }
  const error = make.error instanceof ApiError ? make.error : undefined;
  return (
    <Dialog
      open
      onOpenChange={(on) => !on && onClose()}
      title={words.createTitle}
      className="max-w-xl"
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" type="submit" form="new-user" busy={make.isPending}>
            {words.create}
          </Button>
        </>
      }
    >
      <form id="new-user" onSubmit={submit} className="flex flex-col gap-4 pt-2">
        {make.isError && !["username", "email", "password", "name"].some((f) => error?.field(f)) ? (
          <ApiErrorBox error={make.error} title={words.createFailed} />
        ) : null}
        <Who form={form} onChange={setForm} error={error} />
        <Roles value={roles} onChange={setRoles} />
        <Organizations value={organizations} onChange={setOrganizations} />
      </form>
    </Dialog>
  );
}

interface WhoProps {
  form: Form;
  onChange: (form: Form) => void;
  error: ApiError | undefined;
}

function Who({ form, onChange, error }: WhoProps) {
  const methods = useQuery(read("GET /api/v2/users/authmethods")).data;
  const off = (login: Login) => login !== "none" && methods && !methods[login].enabled;
  const field = (name: "username" | "name" | "email") => ({
    value: form[name],
    onChange: (e: { target: { value: string } }) => onChange({ ...form, [name]: e.target.value }),
    spellCheck: false,
    autoComplete: "off",
  });
  return (
    <>
      <Field label={words.kind}>
        <Select
          value={form.service ? "service" : "person"}
          onChange={(e) => onChange({ ...form, service: e.target.value === "service" })}
        >
          <option value="person">{words.person}</option>
          <option value="service">{words.service}</option>
        </Select>
      </Field>
      <Field label={words.username} hint={words.usernameHint} error={error?.field("username")}>
        <Input {...field("username")} required maxLength={32} autoCapitalize="none" autoFocus />
      </Field>
      <Field label={words.fullName} hint={words.optional} error={error?.field("name")}>
        <Input {...field("name")} maxLength={128} />
      </Field>
      {form.service ? null : (
        <>
          <Field label={words.login} hint={words.loginHint[form.login]} error={error?.field("login_type")}>
            <Select value={form.login} onChange={(e) => onChange({ ...form, login: e.target.value as Login })}>
              {logins.map((login) => (
                <option key={login} value={login}>
                  {loginTypes[login]}
                  {off(login) ? words.off : ""}
                </option>
              ))}
            </Select>
          </Field>
          <Field
            label={words.email}
            hint={form.login === "none" ? words.optional : undefined}
            error={error?.field("email")}
          >
            <Input {...field("email")} type="email" maxLength={320} required={form.login !== "none"} />
          </Field>
          {form.login === "password" ? (
            <NewPassword
              value={form.password}
              onChange={(password) => onChange({ ...form, password })}
              error={error?.field("password")}
            />
          ) : null}
        </>
      )}
    </>
  );
}

function Roles({ value, onChange }: { value: string[]; onChange: (roles: string[]) => void }) {
  const roles = useQuery(read("GET /api/v2/users/roles")).data?.filter((r) => r.assignable) ?? [];
  if (roles.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-2 font-medium text-sm">{words.siteRoles}</legend>
      <RolePicker roles={roles} value={value} onChange={onChange} />
    </fieldset>
  );
}

/** Organizations are asked for where there are several; without any the server takes the default one. */
function Organizations({ value, onChange }: { value: string[]; onChange: (ids: string[]) => void }) {
  const all = useQuery(read("GET /api/v2/organizations")).data ?? [];
  if (all.length < 2) return null;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-2 font-medium text-sm">{words.organizations}</legend>
      {all.map((o) => (
        <Checkbox
          key={o.id}
          label={plain(o.display_name || o.name, 64)}
          checked={value.length === 0 ? o.is_default : value.includes(o.id)}
          onChange={(on) => {
            const before = value.length === 0 ? all.filter((x) => x.is_default).map((x) => x.id) : value;
            onChange(on ? [...before, o.id] : before.filter((id) => id !== o.id));
          }}
        />
      ))}
    </fieldset>
  );
}
