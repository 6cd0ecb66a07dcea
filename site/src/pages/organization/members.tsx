import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { membersPage, perPage } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { SearchBox } from "@/components/searchbox";
import { Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Pager } from "@/ui/pager";
import { AddMember } from "./addmember";
import { MemberList } from "./memberlist";
import { useOrganization } from "./organization";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/");

export default function OrganizationMembers() {
  const organization = useOrganization();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const [adding, setAdding] = useState(false);
  const object = { resource_type: "organization_member", organization_id: organization.id };
  const can = useMay({
    add: { action: "create", object },
    remove: { action: "delete", object },
    assign: { action: "assign", object: { ...object, resource_type: "assign_org_role" } },
  });
  const { data, error, isPlaceholderData, refetch } = useQuery({
    ...membersPage(organization.name, { q, page }),
    placeholderData: keepPreviousData,
  });
  const rows = data?.members ?? [];
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="font-semibold text-lg tracking-tight">{words.members}</h1>
        {data ? <p className="text-muted">{words.memberCount(data.count)}</p> : null}
        <Button
          look="primary"
          className="ml-auto"
          icon={<Plus size={15} />}
          reason={noRight(can.add)}
          onClick={() => setAdding(true)}
        >
          {words.add}
        </Button>
      </div>
      <div className="flex flex-col gap-3">
        <div className="flex">
          <SearchBox
            label={words.searchMembers}
            placeholder={words.searchMembers}
            value={q}
            onChange={(text) => void navigate({ search: { q: text || undefined }, replace: true })}
          />
        </div>
        {error ? <ApiErrorBox error={error} title={words.membersFailed} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-72" /> : null}
        {data && rows.length === 0 ? <Empty title={words.nobody} /> : null}
        {rows.length > 0 ? (
          <MemberList organization={organization} rows={rows} stale={isPlaceholderData} can={can} />
        ) : null}
        {data ? (
          <Pager
            page={page}
            size={perPage}
            count={data.count}
            onPage={(n) => void navigate({ search: { q: q || undefined, page: n > 1 ? n : undefined } })}
          />
        ) : null}
      </div>
      {adding ? <AddMember organization={organization} onClose={() => setAdding(false)} /> : null}
    </>
  );
}
