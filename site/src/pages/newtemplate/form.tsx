import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/client";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useVersion, type VersionWish } from "@/components/versionbuild";
import { missingVariables } from "@/lib/diagnostics";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/field";
import { asRecord, type Pair, Pairs } from "@/ui/pairs";
import { toast } from "@/ui/toast";
import { Building } from "./building";
import { useMaking } from "./making";
import { words } from "./texts";

/** From is what the template is made from, and what that suggests. */
export interface From {
  label: string;
  name: string;
  displayName?: string;
  description?: string;
  icon?: string;
  source: VersionWish["source"];
  /** toEditor leads to the editor afterwards. */
  toEditor?: boolean;
}

/** nameOf makes a name of what has one: lower-case letters, digits and hyphens. */
const nameOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 32);

/** Form asks for what the template is called, builds its first version, and creates it. */
export function Form({ from, onBack }: { from: From; onBack: () => void }) {
  const organizations = useQuery(read("GET /api/v2/organizations"));
  const navigate = useNavigate();
  const [picked, setPicked] = useState("");
  const [fields, setFields] = useState({
    name: nameOf(from.name),
    display_name: from.displayName ?? "",
    description: from.description ?? "",
    icon: from.icon ?? "",
  });
  const [tags, setTags] = useState<readonly Pair[]>([]);
  const [variables, setVariables] = useState<readonly Pair[]>([]);
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const list = organizations.data ?? [];
  const organization = list.find((o) => o.name === picked) ?? list.find((o) => o.is_default) ?? list[0];
  const making = useMaking((version) => {
    if (!organization) return;
    const params = { organization: organization.name, template: fields.name };
    toast({ tone: "ok", title: words.created(fields.display_name || fields.name) });
    if (from.toEditor) {
      const to = "/templates/$organization/$template/versions/$version/edit";
      void navigate({ to, params: { ...params, version: version.name } });
    } else void navigate({ to: "/templates/$organization/$template", params });
  });
  const job = useVersion(making.version).data?.job;
  const asked = job?.error_code === "REQUIRED_TEMPLATE_VARIABLES" ? missingVariables(job.error ?? "") : [];
  const wanted = [...new Set([...Object.keys(answers), ...asked])];
  const error = making.error instanceof ApiError ? making.error : undefined;
  const inField = Object.keys(fields).some((name) => error?.field(name));
  const set = (name: keyof typeof fields) => ({
    value: fields[name],
    onChange: (e: { target: { value: string } }) => setFields({ ...fields, [name]: e.target.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (making.busy || !organization) return;
    setAnswers((old) => Object.fromEntries(wanted.map((name) => [name, old[name] ?? ""])));
    making.make({
      version: {
        organization: organization.id,
        source: from.source,
        tags: asRecord(tags),
        variables: { ...asRecord(variables), ...answers },
      },
      template: fields,
    });
  };
  return (
    <div className="grid min-w-0 items-start gap-6 lg:grid-cols-[minmax(0,28rem)_minmax(0,1fr)]">
      <form onSubmit={submit} className="flex max-w-xl flex-col gap-4">
        <p className="flex items-center gap-2 rounded-lg border border-line bg-surface py-2 pr-2 pl-3">
          <span className="min-w-0 flex-1 break-words">
            <span className="text-muted">{words.from}</span> {plain(from.label, 200)}
          </span>
          <Button size="sm" look="quiet" onClick={onBack} reason={making.busy ? words.building : undefined}>
            {words.change}
          </Button>
        </p>
        {organizations.isError ? <ApiErrorBox error={organizations.error} /> : null}
        {list.length > 1 ? (
          <Field label={words.organization}>
            <Select value={organization?.name} onChange={(e) => setPicked(e.target.value)}>
              {list.map((o) => (
                <option key={o.id} value={o.name}>
                  {plain(o.display_name || o.name, 100)}
                </option>
              ))}
            </Select>
          </Field>
        ) : null}
        <Field label={words.name} hint={words.nameHint} error={error?.field("name")}>
          <Input {...set("name")} required maxLength={32} spellCheck={false} autoComplete="off" />
        </Field>
        <Field label={words.displayName} hint={words.displayHint} error={error?.field("display_name")}>
          <Input {...set("display_name")} maxLength={64} autoComplete="off" />
        </Field>
        <Field label={words.description} error={error?.field("description")}>
          <Input {...set("description")} maxLength={128} autoComplete="off" />
        </Field>
        <div className="flex items-start gap-3">
          <div className="min-w-0 flex-1">
            <Field label={words.icon} hint={words.iconHint} error={error?.field("icon")}>
              <Input {...set("icon")} maxLength={256} spellCheck={false} autoComplete="off" />
            </Field>
          </div>
          <span className="mt-6">
            <Avatar key={fields.icon} square size={32} name={fields.display_name || fields.name} src={fields.icon} />
          </span>
        </div>
        {wanted.length > 0 ? (
          <section
            aria-label={words.asked}
            className="flex flex-col gap-3 rounded-lg border border-line bg-surface p-4"
          >
            <h2 className="font-semibold">{words.asked}</h2>
            <p className="text-muted text-sm">{words.askedText}</p>
            {wanted.map((name) => (
              <Field key={name} label={name}>
                <Input
                  type={/secret|token|passw|key/i.test(name) ? "password" : "text"}
                  value={answers[name] ?? ""}
                  onChange={(e) => setAnswers({ ...answers, [name]: e.target.value })}
                  spellCheck={false}
                  autoComplete="off"
                />
              </Field>
            ))}
          </section>
        ) : null}
        <details>
          <summary className="w-fit rounded-sm font-medium text-muted text-sm">{words.more}</summary>
          <div className="flex flex-col gap-5 pt-4">
            <Pairs label={words.tags} add={words.addTag} pairs={tags} onChange={setTags} />
            <p className="-mt-3 text-muted text-xs">{words.tagsHint}</p>
            <Pairs label={words.variables} add={words.addVariable} pairs={variables} onChange={setVariables} />
          </div>
        </details>
        {making.error && !inField ? <ApiErrorBox error={making.error} title={words.refused} /> : null}
        <Button type="submit" look="primary" className="self-start" busy={making.busy || organizations.isPending}>
          {job?.status === "failed" || job?.status === "canceled" ? words.again : words.create}
        </Button>
      </form>
      {making.version ? <Building key={making.version} id={making.version} /> : null}
    </div>
  );
}
