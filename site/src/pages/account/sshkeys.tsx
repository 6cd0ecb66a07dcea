import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { TypedName } from "@/ui/typedname";
import { words } from "./texts";

const place = { path: { user: "me" } };

export default function SSHKeyPage() {
  const key = useQuery(read("GET /api/v2/users/{user}/gitsshkey", place));
  const [asked, setAsked] = useState(false);
  const renew = useChange(() => request("PUT /api/v2/users/{user}/gitsshkey", place), {
    stale: ["GET /api/v2/users/{user}/gitsshkey"],
    done: words.sshDone,
    failed: words.sshFailed,
    after: () => setAsked(false),
  });
  return (
    <>
      <PageHead title={words.ssh} text={words.sshText} />
      {key.error ? (
        <ApiErrorBox error={key.error} title={words.sshShowFailed} onRetry={() => void key.refetch()} />
      ) : null}
      {key.isPending ? <Skeleton className="h-48 max-w-2xl" /> : null}
      {key.data ? (
        <Card
          title={words.sshPublic}
          className="max-w-2xl"
          actions={
            <span className="text-muted text-sm">
              {words.sshMade} <Ago at={key.data.updated_at} />
            </span>
          }
        >
          <div className="flex flex-col gap-4 px-4 py-4">
            <CodeBlock code={plain(key.data.public_key)} label={words.sshPublic} />
            <p className="text-muted">{words.sshAdd}</p>
            <div className="flex flex-col gap-1.5">
              <p className="font-medium text-sm">{words.sshTest}</p>
              <CodeBlock code="coder gitssh -- -T git@github.com" label={words.sshTest} />
            </div>
            <Button className="self-start" onClick={() => setAsked(true)}>
              {words.sshNew}
            </Button>
          </div>
        </Card>
      ) : null}
      {asked ? (
        <TypedName
          title={words.sshNewTitle}
          text={words.sshNewText}
          act={words.sshNewAct}
          busy={renew.isPending}
          onConfirm={() => renew.mutate()}
          onClose={() => setAsked(false)}
        />
      ) : null}
    </>
  );
}
