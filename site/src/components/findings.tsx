import { CircleAlert, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Finding } from "@/lib/diagnostics";
import { plain } from "@/lib/plain";

interface Props {
  findings: readonly Finding[];
  /** onOpen leads to the file and line of a finding. */
  onOpen?: (finding: Finding) => void;
}

/** Findings are what Terraform has to say against a template, each with its file and line. */
export function Findings({ findings, onOpen }: Props) {
  return (
    <ul aria-label="Findings" className="flex flex-col divide-y divide-line">
      {findings.map((finding, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows
        <li key={i} className="flex min-w-0 gap-2.5 px-4 py-2">
          {finding.level === "error" ? (
            <CircleAlert size={15} aria-label="Error" className="mt-0.5 shrink-0 text-bad" />
          ) : (
            <TriangleAlert size={15} aria-label="Warning" className="mt-0.5 shrink-0 text-warn" />
          )}
          <div className="min-w-0 flex-1">
            <p className="break-words font-medium">{plain(finding.summary, 300)}</p>
            {finding.detail ? (
              <p className="whitespace-pre-line break-words text-muted text-sm">
                {finding.detail
                  .split("\n")
                  .map((line) => plain(line, 1000))
                  .join("\n")}
              </p>
            ) : null}
            <Where finding={finding} onOpen={onOpen} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Where({ finding, onOpen }: { finding: Finding; onOpen: Props["onOpen"] }): ReactNode {
  if (!finding.file) return null;
  const text = `${plain(finding.file, 200)}${finding.line ? `:${finding.line}` : ""}`;
  if (!onOpen) return <p className="font-mono text-muted text-xs">{text}</p>;
  return (
    <button
      type="button"
      onClick={() => onOpen(finding)}
      className="max-w-full break-all rounded-sm text-left font-mono text-accent text-xs hover:underline"
    >
      {text}
    </button>
  );
}
