import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import type { AssignableRole } from "@/api/generated";
import { organizationRoles } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { useMay } from "@/components/may";
import { NotFound } from "@/components/pagestates";
import { plain } from "@/lib/plain";
import { Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { type Column, Listing, ListingCell, ListingRow, rowLink } from "@/ui/listing";
import { useOrganization } from "./organization";
import { choiceOf, countOf } from "./permissions";
import { RoleEditor } from "./roleeditor";
import { roleWords as words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/roles");

const columns: readonly Column[] = [
  { title: words.role },
  { title: words.permits, className: "w-40 pr-4 text-right max-sm:w-32" },
];

export default function OrganizationRoles() {
  const organization = useOrganization();
  const { role, make } = route.useSearch();
  const { data, error, refetch } = useQuery(organizationRoles(organization.name));
  const object = { resource_type: "assign_org_role", organization_id: organization.id };
  const can = useMay({
    create: { action: "create", object },
    update: { action: "update", object },
    delete: { action: "delete", object },
  });
  if (error && !data) return <ApiErrorBox error={error} title={words.failed} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-72" />;
  if (make) return <RoleEditor key="make" organization={organization} roles={data} can={can} />;
  if (role) {
    const found = data.find((r) => r.name === role);
    if (!found) return <NotFound text={words.notFound} />;
    return <RoleEditor key={found.name} organization={organization} roles={data} role={found} can={can} />;
  }
  return <Lists roles={data} mayCreate={can.create} />;
}

function Lists({ roles, mayCreate }: { roles: AssignableRole[]; mayCreate: boolean | undefined }) {
  const navigate = route.useNavigate();
  const custom = roles.filter((r) => !r.built_in);
  return (
    <>
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        <Button
          look="primary"
          className="ml-auto"
          icon={<Plus size={15} />}
          reason={mayCreate === false ? words.mayNot : undefined}
          onClick={() => void navigate({ search: { make: true } })}
        >
          {words.newRole}
        </Button>
      </div>
      <section className="flex flex-col gap-2">
        <h2 className="font-semibold">{words.custom}</h2>
        {custom.length > 0 ? (
          <List label={words.custom} roles={custom} />
        ) : (
          <div className="rounded-lg border border-line bg-surface">
            <Empty title={words.customEmpty} text={words.customEmptyText}>
              <CodeBlock code={words.command} />
            </Empty>
          </div>
        )}
      </section>
      <section className="flex flex-col gap-2">
        <h2 className="font-semibold">{words.builtIn}</h2>
        <List label={words.builtIn} roles={roles.filter((r) => r.built_in)} />
      </section>
    </>
  );
}

function List({ label, roles }: { label: string; roles: readonly AssignableRole[] }) {
  const params = route.useParams();
  return (
    <Listing label={label} columns={columns}>
      {roles.map((role) => {
        const title = plain(role.display_name || role.name, 64);
        const n = countOf(choiceOf(role));
        return (
          <ListingRow key={role.name}>
            <ListingCell>
              <div className="min-w-0">
                <Link
                  to="/organizations/$organization/roles"
                  params={params}
                  search={{ role: role.name }}
                  className={`block truncate ${rowLink}`}
                >
                  {title}
                </Link>
                <div className="truncate font-mono text-muted text-xs">{plain(role.name, 64)}</div>
              </div>
            </ListingCell>
            <ListingCell className="pr-4 text-right text-muted">
              {role.name === "organization-workspace-creation-ban" ? words.ban : words.permissions(n)}
            </ListingCell>
          </ListingRow>
        );
      })}
    </Listing>
  );
}
