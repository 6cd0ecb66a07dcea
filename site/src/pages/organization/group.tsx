import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import type { Group } from "@/api/generated";
import { read } from "@/api/queries";
import { useMay } from "@/components/may";
import { PageError } from "@/components/pagestates";
import { plain } from "@/lib/plain";
import { Avatar, Skeleton } from "@/ui/bits";
import { Badge } from "@/ui/status";
import { GroupMembers } from "./groupmembers";
import { GroupSettings } from "./groupsettings";
import { useOrganization } from "./organization";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/groups/$group");

export default function OrganizationGroup() {
  const organization = useOrganization();
  const { group: groupName } = route.useParams();
  const { data, error } = useQuery(
    read("GET /api/v2/organizations/{organization}/groups/{groupName}", {
      path: { organization: organization.name, groupName },
    }),
  );
  if (error && !data) return <PageError error={error} />;
  if (!data) return <Skeleton className="h-72" />;
  return <Known key={data.id} group={data} />;
}

function Known({ group }: { group: Group }) {
  const { organization } = route.useParams();
  const title = plain(group.display_name || group.name, 64);
  const object = { resource_type: "group", resource_id: group.id };
  const can = useMay({ update: { action: "update", object }, delete: { action: "delete", object } });
  return (
    <>
      <header className="flex flex-col gap-3">
        <Link
          to="/organizations/$organization/groups"
          params={{ organization }}
          className="inline-flex items-center gap-1.5 self-start rounded-sm text-muted text-sm hover:text-text"
        >
          <ArrowLeft size={14} aria-hidden />
          {words.back}
        </Link>
        <div className="flex min-w-0 items-center gap-3">
          <Avatar name={title} src={group.avatar_url} square size={40} />
          <div className="min-w-0">
            <h1 className="flex min-w-0 items-center gap-2 font-semibold text-lg tracking-tight">
              <span className="truncate">{title}</span>
              {group.source === "oidc" ? <Badge>{words.fromSignIn}</Badge> : null}
            </h1>
            <p className="truncate text-muted">
              {[title === group.name ? "" : plain(group.name, 64), words.memberCount(group.total_member_count)]
                .filter(Boolean)
                .join(" · ")}
            </p>
          </div>
        </div>
      </header>
      <GroupMembers group={group} allowed={can.update} />
      <GroupSettings group={group} update={can.update} remove={can.delete} />
    </>
  );
}
