import { Link } from "@tanstack/react-router";
import type { AuditLog } from "@/api/generated";
import { Facts, LogRow } from "@/components/loglist";
import { plain } from "@/lib/plain";
import { exact } from "@/lib/time";
import { Avatar } from "@/ui/bits";
import { CopyButton } from "@/ui/codeblock";
import { Badge } from "@/ui/status";
import { Changes } from "./changes";
import { placeOf } from "./place";
import { words } from "./texts";

const noId = "00000000-0000-0000-0000-000000000000";

interface Props {
  entry: AuditLog;
  /** onNarrow writes one term of the search. */
  onNarrow: (key: string, value: string) => void;
}

/** Entry is one line of the log: who did what with which thing. */
export function Entry({ entry: e, onNarrow }: Props) {
  const who = plain(e.username || words.somebody, 64);
  const sentence = plain(e.description || `${who} ${e.action} ${e.resource_type} ${e.resource_target}`, 300);
  const failed = e.status_code >= 400;
  return (
    <LogRow
      at={e.time}
      name={words.details(sentence)}
      icon={<Avatar name={who} src={e.user?.avatar_url} size={20} />}
      title={<Sentence entry={e} who={who} text={sentence} />}
      sub={[plain(e.organization?.display_name || e.organization?.name || "", 64), plain(e.ip, 64)]
        .filter(Boolean)
        .join(" · ")}
      side={failed ? <Badge tone="bad">{words.failed(e.status_code)}</Badge> : null}
      details={() => <Details entry={e} onNarrow={onNarrow} />}
    />
  );
}

/** Sentence is the description, with its person and its thing told apart. */
function Sentence({ entry: e, who, text }: { entry: AuditLog; who: string; text: string }) {
  const target = plain(e.resource_target, 300);
  const place = placeOf(e);
  const begins = text.startsWith(`${who} `);
  const ends = target !== "" && text.length > target.length + who.length + 1 && text.endsWith(` ${target}`);
  const middle = text.slice(begins ? who.length : 0, ends ? text.length - target.length : undefined);
  const thing = "break-words rounded-sm font-medium";
  return (
    <>
      {begins ? <span className="font-medium">{who}</span> : null}
      {middle}
      {ends && place ? (
        <Link {...place} className={`${thing} relative z-10 underline decoration-line-strong hover:decoration-current`}>
          {target}
        </Link>
      ) : null}
      {ends && !place ? <span className={thing}>{target}</span> : null}
    </>
  );
}

function Details({ entry: e, onNarrow }: Props) {
  const narrow = (label: string, key: string, value: string) => (
    <button
      type="button"
      onClick={() => onNarrow(key, value)}
      className="rounded-sm text-accent text-sm underline-offset-2 hover:underline"
    >
      {label}
    </button>
  );
  const line = "flex flex-wrap items-center gap-x-3 gap-y-1";
  const code = (text: string) => <code className="break-all font-mono text-sm">{text}</code>;
  return (
    <>
      <Facts
        facts={[
          [words.time, exact(e.time)],
          [
            words.who,
            <span key="who" className={line}>
              <span>
                {plain(e.username || words.somebody, 64)}
                {e.user?.email ? <span className="text-muted"> {plain(e.user.email, 128)}</span> : null}
              </span>
              {e.username && !/["\s]/.test(e.username) ? narrow(words.onlyPerson, "username", e.username) : null}
            </span>,
          ],
          [words.address, plain(e.ip, 64)],
          [words.program, plain(e.user_agent, 300)],
          [words.organization, plain(e.organization?.display_name || e.organization?.name || "", 64)],
          [
            words.about,
            <span key="about" className={line}>
              <span>{plain(e.resource_type, 64).replaceAll("_", " ")}</span>
              {e.resource_id !== noId ? (
                <>
                  {code(plain(e.resource_id, 64))}
                  {narrow(words.onlyThing, "resource_id", e.resource_id)}
                </>
              ) : null}
              {e.is_deleted ? <span className="text-muted">{words.gone}</span> : null}
            </span>,
          ],
          ...extra(e.additional_fields),
          [words.status, e.status_code ? String(e.status_code) : ""],
          [
            words.request,
            e.request_id && e.request_id !== noId ? (
              <span key="request" className={line}>
                <span className="inline-flex items-center gap-1">
                  {code(plain(e.request_id, 64))}
                  <CopyButton text={e.request_id} />
                </span>
                {narrow(words.onlyRequest, "request_id", e.request_id)}
              </span>
            ) : (
              ""
            ),
          ],
        ]}
      />
      <Changes diff={e.diff} />
    </>
  );
}

/** extra are the additional fields, which are of any shape. */
function extra(fields: unknown): [string, string][] {
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return [];
  return Object.entries(fields)
    .slice(0, 30)
    .map(([name, value]) => {
      const title = plain(name, 64).replaceAll("_", " ");
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return [title.charAt(0).toUpperCase() + title.slice(1), plain(text ?? "", 500)];
    });
}
