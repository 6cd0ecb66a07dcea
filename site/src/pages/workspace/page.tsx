import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect } from "react";
import { keyOf, workspace as workspaceQuery } from "@/api/queries";
import { watchWorkspace } from "@/api/watch";
import { Panel, Tabs } from "@/ui/tabs";
import { Builds } from "./builds";
import { Header } from "./header";
import { Overview } from "./overview";
import { Parameters } from "./parameters";
import { Settings } from "./settings";
import { Sharing } from "./sharing";
import { words } from "./texts";
import { Update } from "./update";

const route = getRouteApi("/in/@{$owner}/$name");

const usual = [
  ["overview", words.overview],
  ["builds", words.builds],
  ["parameters", words.parameters],
  ["sharing", words.sharing],
  ["settings", words.settings],
] as const;
const withUpdate = [...usual.slice(0, 3), ["update", words.updateTab] as const, ...usual.slice(3)] as const;

export default function WorkspacePage() {
  const { owner, name } = route.useParams();
  const { tab = "overview" } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const { data: workspace } = useSuspenseQuery(workspaceQuery(owner, name));
  const id = workspace.id;
  useEffect(() => {
    const place = { path: { user: owner, workspacename: name } };
    return watchWorkspace(client, id, keyOf("GET /api/v2/users/{user}/workspace/{workspacename}", place));
  }, [client, id, owner, name]);
  const tabs = workspace.outdated || tab === "update" ? withUpdate : usual;
  const value = tabs.some(([key]) => key === tab) ? tab : "overview";
  return (
    <div className="mx-auto flex w-full max-w-6xl flex-col gap-5 px-3 py-4 sm:px-6 sm:py-6">
      <Header workspace={workspace} />
      <Tabs
        label={words.tabs}
        value={value}
        onChange={(next) => void navigate({ search: { tab: next === "overview" ? undefined : next }, replace: true })}
        tabs={tabs}
      >
        <Panel value="overview">
          <Overview workspace={workspace} />
        </Panel>
        <Panel value="builds">
          <Builds workspace={workspace} />
        </Panel>
        <Panel value="parameters">
          <Parameters workspace={workspace} />
        </Panel>
        <Panel value="update">
          <Update workspace={workspace} />
        </Panel>
        <Panel value="sharing">
          <Sharing workspace={workspace} />
        </Panel>
        <Panel value="settings">
          <Settings workspace={workspace} />
        </Panel>
      </Tabs>
    </div>
  );
}
