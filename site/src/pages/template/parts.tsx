import type { TemplateVersionParameter, WorkspaceAgent, WorkspaceResource } from "@/api/generated";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Badge } from "@/ui/status";
import { words } from "./texts";

const None = ({ text }: { text: string }) => <p className="px-4 py-3 text-muted">{text}</p>;

/** Parameters is what people fill in, each with what it takes. */
export function Parameters({ list }: { list: TemplateVersionParameter[] }) {
  if (list.length === 0) return <None text={words.parametersNone} />;
  return (
    <ul>
      {list.map((p) => (
        <li key={p.name} className="flex flex-col gap-1 border-line border-b px-4 py-3 last:border-b-0">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <span className="min-w-0 break-words font-medium">{plain(p.display_name || p.name, 128)}</span>
            <code className="min-w-0 break-all font-mono text-muted text-sm">{plain(p.name, 128)}</code>
            {p.required ? <Badge tone="warn">{words.required}</Badge> : null}
            <Badge>{p.ephemeral ? words.ephemeral : p.mutable ? words.mutable : words.fixed}</Badge>
          </p>
          {p.description_plaintext ? (
            <p className="max-w-3xl break-words text-muted text-sm">{plain(p.description_plaintext, 2000)}</p>
          ) : null}
          <dl className="flex flex-wrap gap-x-6 gap-y-1 text-sm">
            <Fact name={words.type} value={p.type} />
            {p.required ? null : <Fact name={words.default} value={p.default_value || "–"} />}
            {p.options?.length ? (
              <Fact name={words.options} value={p.options.map((o) => plain(o.name, 64)).join(", ")} />
            ) : null}
            {p.validation_min !== undefined || p.validation_max !== undefined ? (
              <Fact name={words.range} value={`${p.validation_min ?? "…"} – ${p.validation_max ?? "…"}`} />
            ) : null}
          </dl>
        </li>
      ))}
    </ul>
  );
}

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div className="flex min-w-0 gap-2">
    <dt className="text-muted">{name}</dt>
    <dd className="min-w-0 break-words">{plain(value, 300)}</dd>
  </div>
);

/** Resources is what a workspace consists of, with the agents in it. */
export function Resources({ list }: { list: WorkspaceResource[] }) {
  const shown = list.filter((r) => !r.hide || r.agents?.length);
  if (shown.length === 0) return <None text={words.resourcesNone} />;
  const agents = shown.some((r) => r.agents?.length);
  return (
    <>
      <ul>
        {shown.map((r) => (
          <li key={r.id} className="flex flex-col gap-2 border-line border-b px-4 py-3 last:border-b-0">
            <p className="flex flex-wrap items-center gap-2">
              <Avatar name={plain(r.type, 64)} src={r.icon} square size={20} />
              <code className="min-w-0 break-all font-mono text-sm">
                {plain(r.address || `${r.type}.${r.name}`, 200)}
              </code>
              <Badge tone={r.persistent ? "ok" : "off"}>{r.persistent ? words.kept : words.lost}</Badge>
            </p>
            {r.agents?.map((agent) => (
              <Agent key={agent.id} agent={agent} />
            ))}
          </li>
        ))}
      </ul>
      {agents ? null : <None text={words.noAgents} />}
    </>
  );
}

function Agent({ agent }: { agent: WorkspaceAgent }) {
  const apps = (agent.apps ?? []).filter((app) => !app.hidden).map((app) => plain(app.display_name || app.slug, 64));
  const scripts = (agent.scripts ?? []).map((script) => plain(script.display_name, 64)).filter(Boolean);
  return (
    <dl className="ml-2 flex flex-wrap gap-x-6 gap-y-1 border-line-strong border-l-2 pl-4 text-sm">
      <Fact
        name="Agent"
        value={`${agent.name} (${[agent.operating_system, agent.architecture].filter(Boolean).join("/")})`}
      />
      {apps.length ? <Fact name={words.apps} value={apps.join(", ")} /> : null}
      {scripts.length ? <Fact name={words.scripts} value={scripts.join(", ")} /> : null}
    </dl>
  );
}
