import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Template, TemplateVersion } from "@/api/generated";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { forgetTemplates, keepVersion } from "@/components/versionbuild";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Checkbox, Field, Input } from "@/ui/field";
import { toast } from "@/ui/toast";
import { words } from "./texts";

interface Props {
  template: Template;
  version: TemplateVersion;
  onClose: () => void;
}

/** Publish gives what was built a name and a message, and makes it the active version. */
export function Publish({ template, version, onClose }: Props) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState(version.name);
  const [message, setMessage] = useState(version.message);
  const [promote, setPromote] = useState(true);
  const publish = useMutation({
    mutationFn: async () => {
      const named = await request("PATCH /api/v2/templateversions/{templateversion}", {
        path: { templateversion: version.id },
        body: { name, message },
      });
      if (promote) {
        await request("PATCH /api/v2/templates/{template}/versions", {
          path: { template: template.id },
          body: { id: version.id },
        }).catch((error) => toastError(words.promoteFailed, error));
      }
      return named;
    },
    onSuccess: (named) => {
      keepVersion(client, named);
      forgetTemplates(client);
      toast({ tone: "ok", title: words.published(named.name) });
      void navigate({
        to: "/templates/$organization/$template/versions/$version",
        params: { organization: template.organization_name, template: template.name, version: named.name },
      });
    },
  });
  const error = publish.error instanceof ApiError ? publish.error : undefined;
  const inField = error?.field("name") ?? error?.field("message");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!publish.isPending) publish.mutate();
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={words.publishTitle} text={words.publishText}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {publish.isError && !inField ? <ApiErrorBox error={publish.error} /> : null}
        <Field label={words.name} error={error?.field("name")}>
          <Input value={name} onChange={(e) => setName(e.target.value)} required maxLength={64} spellCheck={false} />
        </Field>
        <Field label={words.message} hint={words.messageHint} error={error?.field("message")}>
          <Input value={message} onChange={(e) => setMessage(e.target.value)} maxLength={512} autoComplete="off" />
        </Field>
        <Checkbox label={words.promote} checked={promote} onChange={setPromote} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button type="submit" look="primary" busy={publish.isPending}>
            {words.publish}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
