import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { HealthSection } from "@/api/generated";
import { plain } from "@/lib/plain";
import { Badge, type Tone } from "@/ui/status";
import { cures, words } from "./texts";

/** toneOf is the colour of a severity. */
export function toneOf(severity: string): Tone {
  return ({ ok: "ok", warning: "warn", error: "bad" } as Record<string, Tone>)[severity] ?? "off";
}

const icons: Record<string, ReactNode> = {
  ok: <CircleCheck size={18} aria-hidden className="text-ok" />,
  warning: <TriangleAlert size={18} aria-hidden className="text-warn" />,
  error: <CircleAlert size={18} aria-hidden className="text-bad" />,
};

interface Props {
  title: string;
  /** text says what the part is there for. */
  text: string;
  section?: HealthSection;
  children?: ReactNode;
}

/** Check is one part of the deployment: its state, each finding with its cause and cure, and its details. */
export function Check({ title, text, section, children }: Props) {
  const findings = section?.warnings ?? [];
  // The error repeats one of the findings, unless the check itself failed.
  const own = section?.error && !findings.some((f) => section.error?.includes(f.message)) ? section.error : "";
  return (
    <section aria-label={title} className="min-w-0 rounded-lg border border-line bg-surface">
      <div className="flex items-start gap-3 px-4 py-3">
        {section ? <span className="mt-px shrink-0">{icons[section.severity]}</span> : null}
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold">{title}</h2>
          <p className="text-muted text-sm">{text}</p>
        </div>
        {section?.dismissed ? <Badge>{words.dismissed}</Badge> : null}
        {section ? (
          <Badge tone={toneOf(section.severity)}>
            {words.severity[section.severity] ?? plain(section.severity, 32)}
          </Badge>
        ) : null}
      </div>
      {own || findings.length > 0 ? (
        <ul className="flex flex-col gap-2 px-4 pb-3 sm:pl-11">
          {own ? <Finding tone="bad" code="" message={own} /> : null}
          {findings.map((f) => (
            <Finding
              key={`${f.code} ${f.message}`}
              tone={section?.severity === "error" ? "bad" : "warn"}
              code={f.code}
              message={f.message}
            />
          ))}
        </ul>
      ) : null}
      {children ? <div className="border-line border-t px-4 py-3 sm:pl-11">{children}</div> : null}
    </section>
  );
}

function Finding({ tone, code, message }: { tone: "warn" | "bad"; code: string; message: string }) {
  const cure = cures[code];
  const text = plain(message, 2000);
  return (
    <li
      className={`flex flex-col gap-1.5 rounded-md border px-3 py-2 ${tone === "bad" ? "border-bad/40 bg-bad-soft" : "border-warn/40 bg-warn-soft"}`}
    >
      <p className="break-words">
        <span className="inline-block first-letter:uppercase">{text}</span>
      </p>
      {cure ? (
        <p className="break-words">
          <span className="font-medium">{words.cure}: </span>
          {cure}
        </p>
      ) : null}
      {code ? <p className="font-mono text-muted text-xs">{words.code(plain(code, 32))}</p> : null}
    </li>
  );
}
