import { useMutation, useQuery } from "@tanstack/react-query";
import { AppWindow } from "lucide-react";
import { basePath } from "@/api/base";
import { request } from "@/api/client";
import type { Workspace, WorkspaceAgent, WorkspaceApp } from "@/api/generated";
import { appHost } from "@/api/queries";
import { toastError } from "@/components/apierror";
import { isWeb, safeLink, wildcardLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { useModes } from "./modes";
import { TerminalLink } from "./terminallink";
import { words } from "./texts";

/** Where a template's link wants the token of whoever opens it. */
const placeholder = "$SESSION_TOKEN";

interface Props {
  workspace: Workspace;
  agent: WorkspaceAgent;
}

export function Apps({ workspace, agent }: Props) {
  const apps = (agent.apps ?? []).filter((app) => !app.hidden);
  const editors = (agent.display_apps ?? []).includes("vscode");
  if (apps.length === 0 && !editors) return null;
  return (
    <div className="flex flex-col gap-1.5">
      <h3 className="text-muted text-xs">{words.apps}</h3>
      <ul className="flex flex-wrap gap-2">
        {editors ? (
          <li>
            <Editor workspace={workspace} agent={agent} />
          </li>
        ) : null}
        {apps.map((app) => (
          <li key={app.id}>
            <App workspace={workspace} agent={agent} app={app} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function App({ workspace, agent, app }: Props & { app: WorkspaceApp }) {
  const host = useQuery(appHost()).data?.host ?? "";
  const mode = useModes();
  const name = plain(app.display_name || app.slug, 64);
  const icon = <Icon app={app} name={name} />;
  const token = useToken();
  if (app.external) {
    const link = safeLink(app.url);
    if (!link)
      return (
        <Button icon={icon} reason={words.unsafeLink}>
          {name}
        </Button>
      );
    // A token goes to programs on this machine, never to a site of the web.
    if (!isWeb(link) && link.includes(placeholder)) {
      return (
        <Button
          icon={icon}
          busy={token.isPending}
          onClick={() => token.mutate((key) => link.replaceAll(placeholder, encodeURIComponent(key)))}
        >
          {name}
        </Button>
      );
    }
    return <AppLink href={link} icon={icon} name={name} />;
  }
  if (app.command) return <TerminalLink workspace={workspace} agent={agent} app={app.slug} name={name} />;
  const path = `${basePath}/@${workspace.owner_name}/${workspace.name}.${agent.name}/apps/${app.slug}/`;
  const own = wildcardLink(host, app.subdomain_name ?? "", window.location.protocol);
  const barred = !host.includes("*") && !mode("path").enabled; // paths lead to the hosts of a wildcard, or to an origin of theirs
  const href = app.subdomain ? own : barred ? undefined : path;
  const reason =
    agent.status !== "connected"
      ? words.notConnected
      : !href
        ? mode(app.subdomain ? "subdomain" : "path").reason || words.noHost
        : app.health === "unhealthy"
          ? words.unwell
          : app.health === "initializing"
            ? words.starting
            : "";
  if (reason || !href)
    return (
      <Button icon={icon} reason={reason}>
        {name}
      </Button>
    );
  return <AppLink href={href} icon={icon} name={name} />;
}

const AppLink = ({ href, icon, name }: { href: string; icon: React.ReactNode; name: string }) => (
  <a href={href} target="_blank" rel="noreferrer noopener" className={buttonClass()}>
    {icon}
    {name}
  </a>
);

function Icon({ app, name }: { app: WorkspaceApp; name: string }) {
  return app.icon ? <Avatar name={name} src={app.icon} square size={16} /> : <AppWindow size={15} aria-hidden />;
}

/** useToken makes a key for a program on this machine at the moment it is wanted, and leads there. */
function useToken() {
  return useMutation({
    mutationFn: async (address: (key: string) => string) => {
      const { key } = await request("POST /api/v2/users/{user}/keys", { path: { user: "me" } });
      window.location.assign(address(key));
    },
    onError: (error) => toastError("It cannot be opened", error),
  });
}

function Editor({ workspace, agent }: Props) {
  const token = useToken();
  const address = (key: string) => {
    const query = new URLSearchParams({
      owner: workspace.owner_name,
      workspace: workspace.name,
      agent: agent.name,
      url: window.location.origin + basePath,
      token: key,
    });
    if (agent.expanded_directory) query.set("folder", agent.expanded_directory);
    return `vscode://coder.coder-remote/open?${query}`;
  };
  return (
    <Button
      icon={<AppWindow size={15} aria-hidden />}
      busy={token.isPending}
      reason={agent.status === "connected" ? undefined : words.notConnected}
      onClick={() => token.mutate(address)}
    >
      {words.vscode}
    </Button>
  );
}
