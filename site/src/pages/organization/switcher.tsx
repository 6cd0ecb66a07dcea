import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronsUpDown, Plus } from "lucide-react";
import type { Organization } from "@/api/generated";
import { read } from "@/api/queries";
import { useMay } from "@/components/may";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Menu, MenuHead, MenuItem, MenuLine } from "@/ui/menu";
import { words } from "./texts";

/** Switcher says in which organization one is, and leads to the others. */
export function Switcher({ organization }: { organization: Organization }) {
  const navigate = useNavigate();
  const all = useQuery(read("GET /api/v2/organizations")).data ?? [organization];
  const can = useMay({ create: { action: "create", object: { resource_type: "organization" } } });
  const title = (o: Organization) => plain(o.display_name || o.name, 64);
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          className="flex h-10 w-full min-w-0 items-center gap-2 rounded-md border border-line bg-surface px-2.5 text-left transition-colors hover:bg-hover"
        >
          <Avatar name={title(organization)} src={organization.icon} square size={20} />
          <span className="min-w-0 flex-1 truncate font-medium">
            <span className="sr-only">{words.switcher}: </span>
            {title(organization)}
          </span>
          <ChevronsUpDown size={14} aria-hidden className="shrink-0 text-muted" />
        </button>
      }
    >
      <MenuHead>
        <span className="text-muted text-xs">{words.all}</span>
      </MenuHead>
      {all.map((o) => (
        <MenuItem
          key={o.id}
          icon={<Avatar name={title(o)} src={o.icon} square size={16} />}
          hint={o.id === organization.id ? <Check size={14} aria-label="Current" /> : undefined}
          onSelect={() =>
            void navigate({ to: "/organizations/$organization", params: { organization: o.name }, search: {} })
          }
        >
          <span className="block truncate">{title(o)}</span>
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem
        icon={<Plus size={15} />}
        reason={can.create === false ? words.mayNotCreate : undefined}
        onSelect={() => void navigate({ to: "/organizations/new" })}
      >
        {words.newOrganization}
      </MenuItem>
    </Menu>
  );
}
