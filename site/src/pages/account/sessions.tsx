import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { Key } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { useChange } from "@/components/change";
import { useSignOut } from "@/components/session";
import { pool } from "@/lib/pool";
import { texts } from "@/lib/texts";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Listing, ListingCell, ListingRow } from "@/ui/listing";
import { Badge } from "@/ui/status";
import { toast } from "@/ui/toast";
import { TypedName } from "@/ui/typedname";
import { words } from "./texts";

const stale = ["GET /api/v2/users/{user}/keys"] as const;
const end = (keyid: string) => request("DELETE /api/v2/users/{user}/keys/{keyid}", { path: { user: "me", keyid } });

const columns = [
  { title: words.session, className: "sm:w-52" },
  { title: words.signedIn, className: "max-sm:hidden" },
  { title: words.lastUsed },
  { title: words.ends, className: "max-md:hidden" },
  { title: words.actions, className: "w-24", silent: true },
];

/** Sessions are where one is signed in. */
export function Sessions() {
  const keys = useQuery({
    ...read("GET /api/v2/users/{user}/keys", { path: { user: "me" } }),
    refetchInterval: 30_000,
  });
  const [asked, setAsked] = useState(false);
  // The one that looks stands first.
  const rows = [...(keys.data ?? [])].sort((a, b) => Number(b.current ?? false) - Number(a.current ?? false));
  const others = rows.filter((k) => !k.current);
  const noneLeft = keys.data && others.length === 0 ? words.noOthers : undefined;
  const endOthers = useChange(() => pool(others, 4, (k) => end(k.id).then(() => undefined)), {
    stale,
    failed: words.endFailed,
    after: (failures) => {
      setAsked(false);
      if (failures[0]) toastError(words.endFailed, failures[0].error);
      else toast({ tone: "ok", title: words.endedMany(others.length) });
    },
  });
  return (
    <section className="flex flex-col gap-3">
      <header className="flex flex-wrap items-end justify-between gap-3">
        <div className="min-w-0 flex-1 basis-72">
          <h2 className="font-semibold">{words.sessions}</h2>
          <p className="text-muted">{words.sessionsText}</p>
        </div>
        <Button
          reason={!keys.data || others.length < rows.length ? noneLeft : words.whichOne}
          disabled={!keys.data}
          busy={endOthers.isPending}
          onClick={() => setAsked(true)}
        >
          {words.endOthers}
        </Button>
      </header>
      {keys.error ? (
        <ApiErrorBox error={keys.error} title={words.sessionsFailed} onRetry={() => void keys.refetch()} />
      ) : null}
      {keys.isPending ? <Skeleton className="h-32" /> : null}
      {keys.data ? (
        <Listing label={words.sessions} columns={columns}>
          {rows.map((k) => (
            <Session key={k.id} session={k} />
          ))}
        </Listing>
      ) : null}
      {asked ? (
        <TypedName
          title={words.endOthersTitle(others.length)}
          text={words.endOthersText}
          act={words.endOthers}
          busy={endOthers.isPending}
          onConfirm={() => endOthers.mutate()}
          onClose={() => setAsked(false)}
        />
      ) : null}
    </section>
  );
}

function Session({ session }: { session: Key }) {
  const signOut = useSignOut();
  const endOne = useChange(() => end(session.id), { stale, done: words.ended, failed: words.endFailed });
  return (
    <ListingRow>
      <ListingCell className="h-11 px-2 pl-4">
        <span className="flex flex-wrap items-center gap-2">
          <code className="font-mono text-sm">{session.id}</code>
          {session.current ? <Badge tone="ok">{words.thisOne}</Badge> : null}
        </span>
      </ListingCell>
      <ListingCell className="px-2 text-muted max-sm:hidden">
        <Ago at={session.created_at} />
      </ListingCell>
      <ListingCell className="px-2 text-muted">
        <Ago at={session.last_used} />
      </ListingCell>
      <ListingCell className="px-2 text-muted max-md:hidden">
        <Ago at={session.expires_at} />
      </ListingCell>
      <ListingCell className="pr-3 text-right">
        {session.current ? (
          <Button size="sm" look="quiet" busy={signOut.isPending} onClick={() => signOut.mutate()}>
            {texts.signOut}
          </Button>
        ) : (
          <Button
            size="sm"
            aria-label={words.endNamed(session.id)}
            busy={endOne.isPending}
            onClick={() => endOne.mutate()}
          >
            {words.endOne}
          </Button>
        )}
      </ListingCell>
    </ListingRow>
  );
}
