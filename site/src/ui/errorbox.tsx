import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  title?: string;
  message: string;
  detail?: string;
  /** requestId lets whoever runs the server find the cause in its log. */
  requestId?: string;
  actions?: ReactNode;
}

/** ErrorBox says what went wrong, where it belongs, once. */
export function ErrorBox({ title, message, detail, requestId, actions }: Props) {
  return (
    <div role="alert" className="flex min-w-0 gap-3 rounded-lg border border-bad/40 bg-bad-soft px-4 py-3">
      <CircleAlert size={18} aria-hidden className="mt-px shrink-0 text-bad" />
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        {title ? <p className="font-semibold">{title}</p> : null}
        <p className="whitespace-pre-line break-words">{message}</p>
        {detail ? (
          <pre tabIndex={0} className="max-h-40 overflow-auto whitespace-pre-wrap break-words font-mono text-sm">
            {detail}
          </pre>
        ) : null}
        {requestId ? (
          <p className="text-muted text-xs">
            Request <code className="select-all font-mono">{requestId}</code>
          </p>
        ) : null}
        {actions ? <div className="mt-1 flex flex-wrap gap-2">{actions}</div> : null}
      </div>
    </div>
  );
}
