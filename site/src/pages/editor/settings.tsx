import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { TemplateVersionVariable } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { type Pair, Pairs } from "@/ui/pairs";
import { words } from "./texts";

/** Inputs are what a build takes beside the files. */
export interface Inputs {
  tags: readonly Pair[];
  /** Values of variables that a person has given; the server keeps the others. */
  variables: Record<string, string>;
  more: readonly Pair[];
}

interface Props {
  version: string;
  /** asked are variables that the last build has missed. */
  asked: readonly string[];
  inputs: Inputs;
  onChange: (inputs: Inputs) => void;
  onClose: () => void;
}

/** Settings are the tags of the provisioner and the values of Terraform's variables. */
export function Settings({ version, asked, inputs, onChange, onClose }: Props) {
  const variables = useQuery(
    read("GET /api/v2/templateversions/{templateversion}/variables", { path: { templateversion: version } }),
  );
  const [now, setNow] = useState(inputs);
  const known: Pick<TemplateVersionVariable, "name" | "description" | "required" | "sensitive" | "value">[] = [
    ...(variables.data ?? []),
    ...asked
      .filter((name) => !variables.data?.some((v) => v.name === name))
      .map((name) => ({
        name,
        description: "",
        required: true,
        sensitive: /secret|token|passw|key/i.test(name),
        value: "",
      })),
  ];
  const done = () => {
    onChange(now);
    onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.settings}
      text={words.settingsText}
      footer={
        <Button look="primary" onClick={done}>
          {words.done}
        </Button>
      }
    >
      <div className="flex flex-col gap-5">
        <section className="flex flex-col gap-3">
          <h3 className="font-semibold">{words.variables}</h3>
          {variables.isPending ? <Skeleton className="h-14" /> : null}
          {variables.isError ? <ApiErrorBox error={variables.error} title={words.variablesError} /> : null}
          {variables.data && known.length === 0 ? <p className="text-muted">{words.variablesNone}</p> : null}
          {known.map((v) => (
            <Field
              key={v.name}
              label={plain(v.name, 100)}
              hint={[
                plain(v.description.replaceAll("\n", " "), 300),
                asked.includes(v.name) ? words.required : v.sensitive ? words.kept : "",
              ]
                .filter(Boolean)
                .join(" ")}
            >
              <Input
                type={v.sensitive ? "password" : "text"}
                value={now.variables[v.name] ?? (v.sensitive ? "" : v.value)}
                onChange={(e) => setNow({ ...now, variables: { ...now.variables, [v.name]: e.target.value } })}
                spellCheck={false}
                autoComplete="off"
              />
            </Field>
          ))}
        </section>
        <Pairs
          label={words.more}
          add={words.addVariable}
          pairs={now.more}
          onChange={(more) => setNow({ ...now, more })}
        />
        <Pairs label={words.tags} add={words.addTag} pairs={now.tags} onChange={(tags) => setNow({ ...now, tags })} />
      </div>
    </Dialog>
  );
}
