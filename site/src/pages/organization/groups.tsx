import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { Group } from "@/api/generated";
import { organizationGroups } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { SearchBox } from "@/components/searchbox";
import { plain } from "@/lib/plain";
import { Avatar, Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { type Column, Listing, ListingCell, ListingRow, rowLink } from "@/ui/listing";
import { Badge } from "@/ui/status";
import { NewGroup } from "./newgroup";
import { useOrganization } from "./organization";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/groups");

const columns: readonly Column[] = [
  { title: words.group },
  { title: words.groupMembers, className: "w-24 text-right" },
  { title: words.allowance, className: "w-28 pr-4 text-right max-sm:hidden" },
];

export default function OrganizationGroups() {
  const organization = useOrganization();
  const { q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const [making, setMaking] = useState(false);
  const can = useMay({
    create: { action: "create", object: { resource_type: "group", organization_id: organization.id } },
  });
  const { data, error, refetch } = useQuery(organizationGroups(organization.name));
  const wanted = q.toLowerCase();
  const rows = data?.filter((g) => `${g.name} ${g.display_name}`.toLowerCase().includes(wanted)) ?? [];
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="font-semibold text-lg tracking-tight">{words.groups}</h1>
        {data ? <p className="text-muted">{words.groupCount(data.length)}</p> : null}
        <Button
          look="primary"
          className="ml-auto"
          icon={<Plus size={15} />}
          reason={noRight(can.create)}
          onClick={() => setMaking(true)}
        >
          {words.newGroup}
        </Button>
      </div>
      <div className="flex flex-col gap-3">
        {(data?.length ?? 0) > 8 || q ? (
          <div className="flex">
            <SearchBox
              label={words.searchGroups}
              placeholder={words.searchGroups}
              value={q}
              onChange={(text) => void navigate({ search: { q: text || undefined }, replace: true })}
            />
          </div>
        ) : null}
        {error ? <ApiErrorBox error={error} title={words.groupsFailed} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-48" /> : null}
        {data && rows.length === 0 ? <Empty title={words.nobody} /> : null}
        {rows.length > 0 ? (
          <Listing label={words.groups} columns={columns}>
            {rows.map((g) => (
              <Row key={g.id} group={g} organization={organization.name} />
            ))}
          </Listing>
        ) : null}
        {data?.length === 1 && !q ? (
          <div>
            <Empty title={words.groupsEmpty} text={words.groupsEmptyText}>
              <CodeBlock code={words.groupsCommand} />
            </Empty>
          </div>
        ) : null}
      </div>
      {making ? <NewGroup organization={organization} onClose={() => setMaking(false)} /> : null}
    </>
  );
}

function Row({ group, organization }: { group: Group; organization: string }) {
  const title = plain(group.display_name || group.name, 64);
  const everyone = group.id === group.organization_id;
  const under = everyone ? words.everyone : title === group.name ? "" : plain(group.name, 64);
  return (
    <ListingRow>
      <ListingCell>
        <div className="flex min-w-0 items-center gap-3">
          <Avatar name={title} src={group.avatar_url} square size={28} />
          <div className="min-w-0">
            <div className="flex min-w-0 items-center gap-2">
              <Link
                to="/organizations/$organization/groups/$group"
                params={{ organization, group: group.name }}
                className={`truncate ${rowLink}`}
              >
                {title}
              </Link>
              {group.source === "oidc" ? <Badge>{words.fromSignIn}</Badge> : null}
            </div>
            {under ? <div className="truncate text-muted text-sm">{under}</div> : null}
          </div>
        </div>
      </ListingCell>
      <ListingCell className="text-right tabular-nums">{group.total_member_count.toLocaleString("en")}</ListingCell>
      <ListingCell className="pr-4 text-right tabular-nums max-sm:hidden">
        {group.quota_allowance > 0 ? (
          group.quota_allowance.toLocaleString("en")
        ) : (
          <span className="text-muted">{words.noAllowance}</span>
        )}
      </ListingCell>
    </ListingRow>
  );
}
