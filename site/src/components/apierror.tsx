import { ApiError } from "@/api/client";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { toast } from "@/ui/toast";

interface Props {
  error: unknown;
  title?: string;
  /** onRetry adds a button that asks again. */
  onRetry?: () => void;
}

/** ApiErrorBox shows a failure in the place of what has failed; the rest of the page stays. */
export function ApiErrorBox({ error, title, onRetry }: Props) {
  const known = error instanceof ApiError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const detail = known?.detail || known?.validations.map((v) => `${v.field}: ${v.detail}`).join("\n");
  return (
    <ErrorBox
      title={title}
      message={message}
      detail={detail === message ? undefined : detail}
      requestId={known?.requestId}
      actions={
        onRetry ? (
          <Button size="sm" onClick={onRetry}>
            {texts.retry}
          </Button>
        ) : undefined
      }
    />
  );
}

/** toastError tells that an action has failed. An ended session says so by the login page. */
export function toastError(title: string, error: unknown) {
  if (error instanceof ApiError && error.status === 401) return;
  toast({
    tone: "bad",
    title,
    text: error instanceof Error ? error.message : String(error),
    requestId: error instanceof ApiError ? error.requestId : undefined,
  });
}
