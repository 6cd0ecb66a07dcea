import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Group } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { TypedName } from "@/ui/typedname";
import { GroupFields, groupBody, groupFieldNames } from "./groupfields";
import { groupEndpoints } from "./stale";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/groups/$group");

interface Props {
  group: Group;
  update: boolean | undefined;
  remove: boolean | undefined;
}

export function GroupSettings({ group, update, remove }: Props) {
  const stored = `${group.name} ${group.display_name} ${group.avatar_url} ${group.quota_allowance}`;
  return (
    <div className="flex max-w-2xl flex-col gap-5">
      <Settings key={stored} group={group} allowed={update} />
      {group.id === group.organization_id ? null : <Delete group={group} allowed={remove} />}
    </div>
  );
}

function Settings({ group, allowed }: { group: Group; allowed: boolean | undefined }) {
  const navigate = route.useNavigate();
  const before = {
    name: group.name,
    display_name: group.display_name,
    avatar_url: group.avatar_url,
    quota_allowance: String(group.quota_allowance),
  };
  const [form, setForm] = useState(before);
  const everyone = group.id === group.organization_id;
  const save = useChange(
    () => {
      const { name, ...rest } = groupBody(form);
      return request("PATCH /api/v2/groups/{group}", {
        path: { group: group.id },
        body: name === group.name ? rest : { name, ...rest },
      });
    },
    {
      stale: groupEndpoints,
      done: words.saved,
      after: (now) => {
        if (now.name !== group.name)
          void navigate({ params: (p) => ({ ...p, group: now.name }), search: {}, replace: true });
      },
    },
  );
  const error = save.error instanceof ApiError ? save.error : undefined;
  const changed = JSON.stringify(form) !== JSON.stringify(before);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (changed && !save.isPending && allowed !== false) save.mutate();
  };
  return (
    <Card title={words.settings}>
      <form onSubmit={submit} className="flex max-w-xl flex-col gap-4 px-4 py-4">
        {save.isError && !groupFieldNames.some((f) => error?.field(f)) ? <ApiErrorBox error={save.error} /> : null}
        <GroupFields
          form={form}
          onChange={setForm}
          error={error}
          fixedName={everyone ? words.everyoneFixed : undefined}
          disabled={allowed === false}
        />
        <Button
          type="submit"
          className="self-start"
          busy={save.isPending}
          reason={noRight(allowed)}
          disabled={!changed}
        >
          {words.save}
        </Button>
      </form>
    </Card>
  );
}

function Delete({ group, allowed }: { group: Group; allowed: boolean | undefined }) {
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState(false);
  const remove = useChange(() => request("DELETE /api/v2/groups/{group}", { path: { group: group.id } }), {
    stale: ["GET /api/v2/organizations/{organization}/groups"],
    done: words.deleted(plain(group.name, 64)),
    after: () => void navigate({ to: "/organizations/$organization/groups", search: {} }),
  });
  return (
    <Card title={words.groupDelete}>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
        <p className="min-w-0 flex-1 basis-60 text-muted">{words.groupDeleteText}</p>
        <Button look="danger" reason={noRight(allowed)} onClick={() => setAsked(true)}>
          {words.deleteDots}
        </Button>
      </div>
      {asked ? (
        <TypedName
          title={words.deleteTitle(plain(group.name, 64))}
          text={words.groupDeleteText}
          name={group.name}
          act={words.delete}
          busy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(false)}
        >
          {remove.isError ? <ApiErrorBox error={remove.error} title={words.notDeleted} /> : null}
        </TypedName>
      ) : null}
    </Card>
  );
}
