import { type FormEvent, useId, useState } from "react";
import { ApiError, request } from "@/api/client";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

interface Props {
  organization: string;
  onClose: () => void;
  onMade: (secret: string) => void;
}

/** readTags takes "a=b, c=d" apart; text is the part that is no tag. */
function readTags(text: string): { tags: Record<string, string>; bad?: string } {
  const tags: Record<string, string> = {};
  for (const part of text.split(",").map((p) => p.trim())) {
    if (!part) continue;
    const at = part.indexOf("=");
    if (at <= 0) return { tags, bad: part };
    tags[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return { tags };
}

export function NewKey({ organization, onClose, onMade }: Props) {
  const form = useId();
  const [name, setName] = useState("");
  const [tags, setTags] = useState("");
  const [bad, setBad] = useState("");
  const make = useChange(
    (given: Record<string, string>) =>
      request("POST /api/v2/organizations/{organization}/provisionerkeys", {
        path: { organization },
        body: { name: name.trim(), tags: given },
      }),
    {
      stale: ["GET /api/v2/organizations/{organization}/provisionerkeys/daemons"],
      after: (out) => onMade(out.key),
    },
  );
  const error = make.error instanceof ApiError ? make.error : undefined;
  const known = error?.field("name") || error?.field("tags");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = readTags(tags);
    setBad(given.bad ?? "");
    if (given.bad === undefined && !make.isPending) make.mutate(given.tags);
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.newTitle}
      text={words.newText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button type="submit" form={form} look="primary" busy={make.isPending}>
            {words.newAct}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        {make.error && !known ? <ApiErrorBox error={make.error} /> : null}
        <Field label={words.newName} error={error?.field("name")}>
          <Input
            value={name}
            onChange={(e) => setName(e.target.value)}
            required
            autoFocus
            maxLength={64}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
          />
        </Field>
        <Field
          label={words.newTags}
          error={bad ? words.newTagsBad(bad) : error?.field("tags")}
          hint={words.newTagsHint}
        >
          <Input
            value={tags}
            onChange={(e) => setTags(e.target.value)}
            maxLength={4096}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
          />
        </Field>
      </form>
    </Dialog>
  );
}
