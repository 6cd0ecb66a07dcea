import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { basePath } from "@/api/base";
import type { TemplateVersionParameter } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { htmlBadge, markdownBadge, workspaceLink } from "@/lib/embed";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { CodeBlock } from "@/ui/codeblock";
import { Field, Input, Select } from "@/ui/field";
import { useTemplate } from "./data";
import { words } from "./texts";

/** TemplateEmbed makes links and badges for READMEs elsewhere. */
export default function TemplateEmbed() {
  const template = useTemplate();
  const [name, setName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const path = { templateversion: template.active_version_id };
  const parameters = useQuery(read("GET /api/v2/templateversions/{templateversion}/rich-parameters", { path }));
  const base = window.location.origin + basePath;
  const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  const link = workspaceLink(base, template.organization_name, template.name, name.trim(), filled);
  return (
    <div className="grid gap-5 lg:grid-cols-[minmax(0,22rem)_minmax(0,1fr)] lg:items-start">
      <Card title={words.embedParameters}>
        <div className="flex flex-col gap-4 px-4 py-4">
          <Field label={words.embedWorkspace}>
            <Input
              value={name}
              onChange={(e) => setName(e.target.value)}
              maxLength={32}
              spellCheck={false}
              placeholder={words.embedAsk}
            />
          </Field>
          {parameters.error ? <ApiErrorBox error={parameters.error} title={words.partFailed} /> : null}
          {parameters.isPending ? <Skeleton className="h-24" /> : null}
          {parameters.data?.map((p) => (
            <Parameter
              key={p.name}
              parameter={p}
              value={values[p.name] ?? ""}
              onChange={(value) => setValues((v) => ({ ...v, [p.name]: value }))}
            />
          ))}
        </div>
      </Card>
      <div className="flex min-w-0 flex-col gap-4">
        <p className="text-muted">{words.embedText}</p>
        <div className="flex flex-col gap-1.5">
          <p className="font-medium text-sm">{words.embedPreview}</p>
          <a href={link} className="self-start rounded-md">
            <img src={`${basePath}/open-in-coder.svg`} alt={words.embedAlt} width={132} height={32} />
          </a>
        </div>
        <Made label={words.embedMarkdown} code={markdownBadge(base, link, words.embedAlt)} />
        <Made label={words.embedHtml} code={htmlBadge(base, link, words.embedAlt)} />
        <Made label={words.embedLink} code={link} />
      </div>
    </div>
  );
}

const Made = ({ label, code }: { label: string; code: string }) => (
  <div className="flex min-w-0 flex-col gap-1.5">
    <p className="font-medium text-sm">{label}</p>
    <CodeBlock code={code} label={label} />
  </div>
);

interface ParameterProps {
  parameter: TemplateVersionParameter;
  value: string;
  onChange: (value: string) => void;
}

function Parameter({ parameter: p, value, onChange }: ParameterProps) {
  const label = plain(p.display_name || p.name, 128);
  const several = p.type.startsWith("list");
  const options = p.type === "bool" ? ["true", "false"].map((v) => ({ name: v, value: v })) : (p.options ?? []);
  return (
    <Field label={label} hint={p.description_plaintext ? plain(p.description_plaintext, 200) : undefined}>
      {options.length > 0 && !several ? (
        <Select value={value} onChange={(e) => onChange(e.target.value)}>
          <option value="">{words.embedAsk}</option>
          {options.map((o) => (
            <option key={o.value} value={o.value}>
              {plain(o.name, 64)}
            </option>
          ))}
        </Select>
      ) : (
        <Input
          value={value}
          onChange={(e) => onChange(e.target.value)}
          maxLength={2000}
          spellCheck={false}
          inputMode={p.type === "number" ? "decimal" : undefined}
          placeholder={several ? '["one", "two"]' : p.default_value ? plain(p.default_value, 100) : words.embedAsk}
        />
      )}
    </Field>
  );
}
