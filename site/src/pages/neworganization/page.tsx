import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight, useMay } from "@/components/may";
import { OrganizationFields, organizationFieldNames } from "@/components/organizationfields";
import { plain } from "@/lib/plain";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { words } from "./texts";

export default function NewOrganizationPage() {
  const navigate = useNavigate();
  const [form, setForm] = useState({ name: "", display_name: "", description: "", icon: "" });
  const can = useMay({ create: { action: "create", object: { resource_type: "organization" } } });
  const make = useChange(() => request("POST /api/v2/organizations", { body: { ...form, name: form.name.trim() } }), {
    stale: ["GET /api/v2/organizations", "GET /api/v2/users/{user}/organizations"],
    done: words.made(plain(form.display_name || form.name, 64)),
    after: (made) => void navigate({ to: "/organizations/$organization", params: { organization: made.name } }),
  });
  const error = make.error instanceof ApiError ? make.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!make.isPending && can.create !== false) make.mutate();
  };
  return (
    <div className="mx-auto flex w-full max-w-xl flex-col gap-5 px-3 py-6 sm:px-6">
      <div>
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        <p className="mt-1 text-muted">{words.text}</p>
      </div>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {make.isError && !organizationFieldNames.some((f) => error?.field(f)) ? (
          <ApiErrorBox error={make.error} title={words.failed} />
        ) : null}
        <OrganizationFields form={form} onChange={setForm} error={error} focus />
        <Button type="submit" look="primary" className="self-start" busy={make.isPending} reason={noRight(can.create)}>
          {words.create}
        </Button>
      </form>
      <div className="flex flex-col gap-2">
        <p className="text-muted text-sm">{words.orCommand}</p>
        <CodeBlock code={words.command} />
      </div>
    </div>
  );
}
