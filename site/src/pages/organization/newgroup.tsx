import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { blankGroup, GroupFields, groupBody, groupFieldNames } from "./groupfields";
import { groupEndpoints } from "./stale";
import { words } from "./texts";

export function NewGroup({ organization, onClose }: { organization: Organization; onClose: () => void }) {
  const navigate = useNavigate();
  const [form, setForm] = useState(blankGroup);
  const make = useChange(
    () =>
      request("POST /api/v2/organizations/{organization}/groups", {
        path: { organization: organization.id },
        body: groupBody(form),
      }),
    {
      stale: groupEndpoints,
      done: words.groupMade(form.name.trim()),
      after: (group) =>
        void navigate({
          to: "/organizations/$organization/groups/$group",
          params: { organization: organization.name, group: group.name },
        }),
    },
  );
  const error = make.error instanceof ApiError ? make.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!make.isPending) make.mutate();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.newGroup}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" type="submit" form="new-group" busy={make.isPending}>
            {words.createGroup}
          </Button>
        </>
      }
    >
      <form id="new-group" onSubmit={submit} className="flex flex-col gap-4 pt-2">
        {make.isError && !groupFieldNames.some((f) => error?.field(f)) ? <ApiErrorBox error={make.error} /> : null}
        <GroupFields form={form} onChange={setForm} error={error} focus />
      </form>
    </Dialog>
  );
}
