import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { Person } from "@/components/person";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Suggest } from "@/ui/suggest";
import { memberEndpoints } from "./stale";
import { words } from "./texts";

/** AddMember takes a user whom one can find, or whose exact name one knows. */
export function AddMember({ organization, onClose }: { organization: Organization; onClose: () => void }) {
  const [name, setName] = useState("");
  // A name is one word; in quotes it cannot become a filter.
  const q = `search:"${name.replaceAll('"', "").trim()}"`;
  const found = useQuery({
    ...read("GET /api/v2/users", { query: { q: name.trim() ? q : "", limit: 8 } }),
    placeholderData: (before) => before,
    retry: false,
  }).data;
  const add = useChange(
    (user: string) =>
      request("POST /api/v2/organizations/{organization}/members/{user}", {
        path: { organization: organization.id, user },
      }),
    {
      stale: memberEndpoints,
      done: words.added(plain(name, 64)),
      after: onClose,
    },
  );
  const others = (found?.users ?? []).filter((u) => !u.organization_ids?.includes(organization.id));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.addTitle(plain(organization.display_name || organization.name, 64))}
      text={words.addText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" type="submit" form="add-member" busy={add.isPending} disabled={!name.trim()}>
            {words.addAct}
          </Button>
        </>
      }
    >
      <form
        id="add-member"
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && !add.isPending) add.mutate(name.trim());
        }}
      >
        {add.isError ? <ApiErrorBox error={add.error} /> : null}
        <Field label={words.addField} hint={words.addHint}>
          <Suggest
            value={name}
            onChange={setName}
            maxLength={64}
            autoFocus
            empty={found ? words.addEmpty : undefined}
            suggestions={others.map((u) => ({ value: u.username, label: <Person user={u} size={24} /> }))}
          />
        </Field>
      </form>
    </Dialog>
  );
}
