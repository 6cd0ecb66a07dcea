import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LoaderCircle } from "lucide-react";
import { ApiError, request } from "@/api/client";
import type { ExternalAuthDevice } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useNow } from "@/hooks/now";
import { safeLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Dialog } from "@/ui/dialog";
import { toast } from "@/ui/toast";
import { words } from "./externaltexts";

interface Props {
  id: string;
  name: string;
  onClose: () => void;
}

/** Device signs in by a code that is typed at the service. */
export function Device({ id, name, onClose }: Props) {
  const code = useQuery({
    queryKey: ["device code", id],
    queryFn: async ({ signal }) => ({
      ...(await request("GET /api/v2/external-auth/{externalauth}/device", { path: { externalauth: id }, signal })),
      begun: Date.now(),
    }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    refetchOnReconnect: false,
  });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={words.codeTitle(name)} text={words.codeText}>
      {code.error ? <ApiErrorBox error={code.error} onRetry={() => void code.refetch()} /> : null}
      {code.isFetching ? <Skeleton className="h-28" /> : null}
      {code.data && !code.isFetching ? (
        <Wait
          key={code.data.device_code}
          id={id}
          code={code.data}
          onDone={onClose}
          onAgain={() => void code.refetch()}
        />
      ) : null}
    </Dialog>
  );
}

interface WaitProps {
  id: string;
  code: ExternalAuthDevice & { begun: number };
  onDone: () => void;
  onAgain: () => void;
}

function Wait({ id, code, onDone, onAgain }: WaitProps) {
  const client = useQueryClient();
  const now = useNow(true);
  const ends = code.begun + code.expires_in * 1000;
  const over = now >= ends;
  const { error: refused } = useQuery({
    queryKey: ["device sign-in", id, code.device_code],
    queryFn: async ({ signal }) => {
      const done = await poll(id, code, ends, signal);
      if (done) {
        void client.invalidateQueries({ queryKey: ["GET /api/v2/external-auth"] });
        void client.invalidateQueries({ queryKey: ["GET /api/v2/external-auth/{externalauth}"] });
        toast({ tone: "ok", title: words.codeDone });
        onDone();
      }
      return done;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const page = safeLink(code.verification_uri);
  if (refused || over) {
    return (
      <>
        {refused ? <ApiErrorBox error={refused} /> : <p>{words.codeOver}</p>}
        <Button className="self-start" onClick={onAgain}>
          {words.codeBegin}
        </Button>
      </>
    );
  }
  return (
    <>
      <CodeBlock code={plain(code.user_code, 64)} label={words.codeLabel} />
      {page ? (
        <a href={page} target="_blank" rel="noreferrer" className={`${buttonClass("primary")} self-start`}>
          {words.codeOpen}
        </a>
      ) : (
        <p>
          {words.codeUnsafe} <span className="break-all">{plain(code.verification_uri, 300)}</span>
        </p>
      )}
      <p role="status" className="flex items-center gap-2 text-muted text-sm">
        <LoaderCircle size={15} aria-hidden className="animate-spin" />
        {words.codeWaits} {words.codeEnds(Math.ceil((ends - now) / 60_000))}
      </p>
    </>
  );
}

/** poll asks, as often as the service wants, whether the code was typed. It throws what is a refusal. */
async function poll(id: string, code: ExternalAuthDevice, ends: number, signal: AbortSignal): Promise<boolean> {
  let pause = Math.max(1, code.interval) * 1000;
  while (!signal.aborted && Date.now() < ends) {
    await new Promise((done) => setTimeout(done, pause));
    if (signal.aborted) return false;
    try {
      await request("POST /api/v2/external-auth/{externalauth}/device", {
        path: { externalauth: id },
        body: { device_code: code.device_code },
        signal,
      });
      return true;
    } catch (error) {
      const detail = error instanceof ApiError ? error.detail : "";
      if (detail === "slow_down") pause += 5000;
      else if (detail !== "authorization_pending" && !(error instanceof ApiError && error.status === 0)) throw error;
    }
  }
  return false;
}
