import { useQuery } from "@tanstack/react-query";
import { linkOptions, useNavigate } from "@tanstack/react-router";
import { ArrowRight, Plus, Settings, Terminal } from "lucide-react";
import { read } from "@/api/queries";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Avatar } from "@/ui/bits";
import { useAreas, useDeploymentPages } from "./nav";
import { Entry, Group } from "./paletteentry";
import { settingsPages } from "./settingspages";

/** run closes the palette before it acts. */
type Run = (action: () => void) => () => void;

/** How many templates an empty search shows; words find among all. */
const few = 5;

/** TemplateEntries are the templates, and what is most often wanted of one: a workspace. */
export function TemplateEntries({ run, all }: { run: Run; all: boolean }) {
  const navigate = useNavigate();
  const found = useQuery({ ...read("GET /api/v2/templates"), staleTime: 30_000 });
  const templates = (found.data ?? []).slice(0, all ? 300 : few);
  if (templates.length === 0) return null;
  return (
    <Group heading={texts.navTemplates}>
      {templates.flatMap((t) => {
        const name = plain(t.display_name || t.name, 64);
        const params = { organization: t.organization_name, template: t.name };
        const words = `${t.organization_name}/${t.name} ${name}`;
        return [
          <Entry
            key={`new ${t.id}`}
            value={`new workspace from ${words} ${t.id}`}
            icon={<Plus size={15} />}
            onSelect={run(() => void navigate({ to: "/templates/$organization/$template/workspace", params }))}
          >
            {texts.newWorkspaceFrom(name)}
          </Entry>,
          <Entry
            key={t.id}
            value={`template ${words} ${t.id}`}
            icon={<Avatar name={name} src={t.icon} square size={18} />}
            hint={plain(t.organization_display_name || t.organization_name, 64)}
            onSelect={run(() => void navigate({ to: "/templates/$organization/$template", params }))}
          >
            {name}
          </Entry>,
        ];
      })}
    </Group>
  );
}

/** PageEntries are the pages below the areas. */
export function PageEntries({ run }: { run: Run }) {
  const navigate = useNavigate();
  const deployment = useDeploymentPages();
  return (
    <>
      <OrganizationEntries run={run} />
      {deployment.length > 0 ? (
        <Group heading={texts.navDeployment}>
          {deployment.map((page) => (
            <Entry
              key={page.to}
              value={`${texts.navDeployment} ${page.label}`}
              icon={<ArrowRight size={15} />}
              onSelect={run(() => void navigate({ to: page.to }))}
            >
              {page.label}
            </Entry>
          ))}
        </Group>
      ) : null}
      <Group heading={texts.yourSettings}>
        {settingsPages.map((page) => (
          <Entry
            key={page.to}
            value={`${texts.yourSettings} ${page.label}`}
            icon={<Settings size={15} />}
            onSelect={run(() => void navigate({ to: page.to }))}
          >
            {page.label}
          </Entry>
        ))}
        <Entry icon={<Terminal size={15} />} onSelect={run(() => void navigate({ to: "/cli-auth" }))}>
          {texts.sessionToken}
        </Entry>
      </Group>
    </>
  );
}

function OrganizationEntries({ run }: { run: Run }) {
  const navigate = useNavigate();
  const seen = useAreas().some((area) => area.to === "/organizations");
  const mine = useQuery({
    ...read("GET /api/v2/users/{user}/organizations", { path: { user: "me" } }),
    enabled: seen,
    staleTime: 60_000,
  });
  const organizations = (mine.data ?? []).slice(0, 20);
  if (!seen) return null;
  return organizations.map((o) => {
    const params = { organization: o.name };
    const name = plain(o.display_name || o.name, 64);
    const pages = linkOptions([
      { to: "/organizations/$organization", params, label: texts.members },
      { to: "/organizations/$organization/groups", params, label: texts.groups },
      { to: "/organizations/$organization/roles", params, label: texts.roles },
      { to: "/organizations/$organization/provisioners", params, label: texts.provisioners },
      { to: "/organizations/$organization/provisioner-jobs", params, label: texts.provisionerJobs },
      { to: "/organizations/$organization/provisioner-keys", params, label: texts.provisionerKeys },
      { to: "/organizations/$organization/settings", params, label: texts.settings },
    ]);
    return (
      <Group key={o.id} heading={name}>
        {pages.map((page) => (
          <Entry
            key={page.to}
            value={`organization ${o.name} ${name} ${page.label}`}
            icon={<ArrowRight size={15} />}
            onSelect={run(() => void navigate({ to: page.to, params }))}
          >
            {page.label}
          </Entry>
        ))}
      </Group>
    );
  });
}
