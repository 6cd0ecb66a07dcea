import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { request } from "@/api/client";
import { me } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { PageHead } from "@/components/pagehead";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { words } from "./texts";

/** A link leads here; the token is made only by a click, and forgotten when the page is left. */
export default function CliAuthPage() {
  const user = useSuspenseQuery(me()).data;
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => request("POST /api/v2/users/{user}/keys", { path: { user: "me" } }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["GET /api/v2/users/{user}/keys"] }),
    gcTime: 0,
  });
  return (
    <div className="mx-auto flex w-full max-w-xl flex-col gap-5 px-3 py-4 sm:px-6 sm:py-10">
      <PageHead title={words.title} text={words.text(plain(user.username, 64))} />
      {make.error ? <ApiErrorBox error={make.error} title={words.failed} /> : null}
      {make.data ? (
        <Card title={words.made}>
          <div className="flex flex-col gap-3 px-4 py-4">
            <CodeBlock code={make.data.key} label={words.made} />
            <p className="text-muted">{words.madeText}</p>
            <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
              <Button busy={make.isPending} onClick={() => make.mutate()}>
                {words.another}
              </Button>
              <p className="text-muted text-sm">{words.after}</p>
            </div>
          </div>
        </Card>
      ) : (
        <Button look="primary" autoFocus className="self-start" busy={make.isPending} onClick={() => make.mutate()}>
          {words.make}
        </Button>
      )}
      <section className="flex flex-col gap-2">
        <h2 className="font-semibold">{words.forWhom}</h2>
        <p className="text-muted">{words.forCli}</p>
        <CodeBlock code={`coder login ${document.baseURI.replace(/\/+$/, "")}`} />
        <p className="text-muted">{words.forEditor}</p>
      </section>
      <p className="text-muted text-sm">
        <Link to="/settings/security" className="text-text underline">
          {words.sessions}
        </Link>
        . {words.token}{" "}
        <Link to="/settings/tokens" className="text-text underline">
          {words.tokens}
        </Link>
        .
      </p>
    </div>
  );
}
