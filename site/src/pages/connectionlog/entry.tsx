import { Link } from "@tanstack/react-router";
import { AppWindow, ArrowLeftRight, Code, type LucideIcon, SquareTerminal, Terminal } from "lucide-react";
import type { ConnectionLog } from "@/api/generated";
import { Facts, LogRow } from "@/components/loglist";
import { useNow } from "@/hooks/now";
import { plain } from "@/lib/plain";
import { between, duration, exact } from "@/lib/time";
import { CopyButton } from "@/ui/codeblock";
import { Badge, Status } from "@/ui/status";
import { types, words } from "./texts";

const icons: Record<string, LucideIcon> = {
  ssh: Terminal,
  vscode: Code,
  jetbrains: Code,
  reconnecting_pty: SquareTerminal,
  workspace_app: AppWindow,
  port_forwarding: ArrowLeftRight,
};

interface Props {
  entry: ConnectionLog;
  /** onNarrow writes one term of the search. */
  onNarrow: (key: string, value: string) => void;
}

/** Entry is one connection: by what, to which workspace, from where, and whether it is open. */
export function Entry({ entry: c, onNarrow }: Props) {
  const now = useNow();
  const type = types.find(([key]) => key === c.type)?.[1] ?? plain(c.type, 32);
  const workspace = plain(`${c.workspace_owner_username}/${c.workspace_name}`, 130);
  const Icon = icons[c.type] ?? ArrowLeftRight;
  const person = c.web_info?.user?.username;
  const ended = c.ssh_info?.disconnect_time;
  const lasts = c.ssh_info ? duration(between(c.connect_time, ended, now)) : "";
  return (
    <LogRow
      at={c.connect_time}
      name={words.details(`${type} ${words.to} ${workspace}`)}
      icon={<Icon size={16} aria-hidden className="mt-0.5" />}
      title={
        <>
          <span className="font-medium">{type}</span>
          {c.web_info?.slug_or_port ? ` ${plain(c.web_info.slug_or_port, 80)}` : ""} {words.to}{" "}
          <Link
            to="/@{$owner}/$name"
            params={{ owner: c.workspace_owner_username, name: c.workspace_name }}
            className="relative z-10 rounded-sm font-medium underline decoration-line-strong hover:decoration-current"
          >
            {workspace}
          </Link>
        </>
      }
      sub={[
        person ? plain(person, 64) : "",
        c.ip ? words.from(plain(c.ip, 64)) : "",
        lasts ? words.forFor(lasts) : "",
        ended ? plain(c.ssh_info?.disconnect_reason ?? "", 80) : "",
      ]
        .filter(Boolean)
        .join(" · ")}
      side={<State entry={c} />}
      details={() => <Details entry={c} type={type} lasts={lasts} onNarrow={onNarrow} />}
    />
  );
}

/** State tells open connections from those that ended, and how these ended. */
function State({ entry: c }: { entry: ConnectionLog }) {
  if (!c.ssh_info) {
    const status = c.web_info?.status_code ?? 0;
    return status >= 400 ? <Badge tone="bad">{status}</Badge> : null;
  }
  if (!c.ssh_info.disconnect_time) return <Status tone="ok">{words.open}</Status>;
  const code = c.ssh_info.exit_code ?? 0;
  return code === 0 ? null : <Badge tone="warn">{words.code(code)}</Badge>;
}

function Details({ entry: c, type, lasts, onNarrow }: Props & { type: string; lasts: string }) {
  const narrow = (label: string, key: string, value: string) => (
    <button
      type="button"
      onClick={() => onNarrow(key, value)}
      className="rounded-sm text-accent text-sm underline-offset-2 hover:underline"
    >
      {label}
    </button>
  );
  const ssh = c.ssh_info;
  const user = c.web_info?.user;
  return (
    <Facts
      facts={[
        [words.what, [type, plain(c.web_info?.slug_or_port ?? "", 200)].filter(Boolean).join(" · ")],
        [words.person, user ? plain(`${user.username} ${user.email}`, 200) : ""],
        [
          words.workspace,
          <span key="workspace" className="flex flex-wrap items-center gap-x-3 gap-y-1">
            {plain(`${c.workspace_owner_username}/${c.workspace_name}`, 130)}
            {narrow(words.onlyWorkspace, "workspace_id", c.workspace_id)}
            {/["\s]/.test(c.workspace_owner_username)
              ? null
              : narrow(words.onlyOwner, "workspace_owner", c.workspace_owner_username)}
          </span>,
        ],
        [words.agent, plain(c.agent_name, 64)],
        [words.organization, plain(c.organization?.display_name || c.organization?.name || "", 64)],
        [words.address, plain(c.ip ?? "", 64)],
        [words.program, plain(c.web_info?.user_agent ?? "", 300)],
        [words.began, exact(c.connect_time)],
        [words.finished, ssh ? (ssh.disconnect_time ? exact(ssh.disconnect_time) : words.stillOpen) : ""],
        [words.lasted, ssh?.disconnect_time ? lasts : ""],
        [words.reason, plain(ssh?.disconnect_reason ?? "", 300)],
        [words.exitCode, ssh?.exit_code === undefined ? "" : String(ssh.exit_code)],
        [words.status, c.web_info?.status_code ? String(c.web_info.status_code) : ""],
        [
          words.connection,
          ssh ? (
            <span key="connection" className="inline-flex items-center gap-1">
              <code className="break-all font-mono text-sm">{plain(ssh.connection_id, 64)}</code>
              <CopyButton text={ssh.connection_id} />
            </span>
          ) : (
            ""
          ),
        ],
      ]}
    />
  );
}
