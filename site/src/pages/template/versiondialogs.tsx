import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Template, TemplateVersion } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { Textarea } from "@/ui/textarea";
import { toast } from "@/ui/toast";
import { useChanged, usePromote } from "./data";
import { words } from "./texts";

interface Props {
  version: TemplateVersion;
  onClose: () => void;
}

/** Promote asks before a version becomes the one that new workspaces are made of. */
export function Promote({ template, version, onClose }: Props & { template: Template }) {
  const promote = usePromote(template, onClose);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.promoteTitle(version.name)}
      text={words.promoteText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" busy={promote.isPending} onClick={() => promote.mutate(version)}>
            {words.promote}
          </Button>
        </>
      }
    />
  );
}

/** Rename changes name and message of a version; onRenamed hears of a new name. */
export function Rename({ version, onClose, onRenamed }: Props & { onRenamed?: (name: string) => void }) {
  const form = useId();
  const refresh = useChanged();
  const [name, setName] = useState(version.name);
  const [message, setMessage] = useState(version.message);
  const update = useMutation({
    mutationFn: () =>
      request("PATCH /api/v2/templateversions/{templateversion}", {
        path: { templateversion: version.id },
        body: {
          ...(name === version.name ? {} : { name }),
          ...(message === version.message ? {} : { message }),
        },
      }),
    onSuccess: async (changed) => {
      toast({ tone: "ok", title: words.renamed });
      onClose();
      if (changed.name !== version.name) onRenamed?.(changed.name);
      await refresh();
    },
  });
  const error = update.error instanceof ApiError ? update.error : undefined;
  const inField = error?.field("name") ?? error?.field("message");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!update.isPending) update.mutate();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.renameTitle}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" type="submit" form={form} busy={update.isPending}>
            {words.save}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4 pt-2">
        {update.isError && !inField ? <ApiErrorBox error={update.error} /> : null}
        <Field label={words.name} error={error?.field("name")}>
          <Input value={name} onChange={(e) => setName(e.target.value)} maxLength={64} required spellCheck={false} />
        </Field>
        <Field label={words.message} error={error?.field("message")}>
          <Textarea value={message} onChange={(e) => setMessage(e.target.value)} rows={4} />
        </Field>
      </form>
    </Dialog>
  );
}
