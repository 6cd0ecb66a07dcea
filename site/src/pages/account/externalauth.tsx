import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { ExternalAuthLink, ExternalAuthLinkProvider } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { safeLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Avatar, Card, Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Status } from "@/ui/status";
import { toast } from "@/ui/toast";
import { TypedName } from "@/ui/typedname";
import { Device } from "./device";
import { words } from "./externaltexts";

const stale = ["GET /api/v2/external-auth", "GET /api/v2/external-auth/{externalauth}"] as const;

export default function ExternalAuthPage() {
  // Somebody may sign in on another page or device: coming back asks again.
  const list = useQuery({ ...read("GET /api/v2/external-auth"), refetchOnWindowFocus: "always" });
  const providers = list.data?.providers ?? [];
  return (
    <>
      <PageHead title={words.title} text={words.text} />
      {list.error ? <ApiErrorBox error={list.error} title={words.failed} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <Skeleton className="h-40" /> : null}
      {list.data && providers.length === 0 ? (
        <Empty title={words.none} text={words.noneText}>
          <CodeBlock code={words.noneCode} />
        </Empty>
      ) : null}
      {providers.length > 0 ? (
        <Card>
          <ul className="divide-y divide-line">
            {providers.map((p) => (
              <Provider key={p.id} provider={p} link={list.data?.links?.find((l) => l.provider_id === p.id)} />
            ))}
          </ul>
        </Card>
      ) : null}
    </>
  );
}

function Provider({ provider, link }: { provider: ExternalAuthLinkProvider; link: ExternalAuthLink | undefined }) {
  const [asked, setAsked] = useState<"code" | "out">();
  const name = plain(provider.display_name || provider.id, 64);
  const path = { externalauth: provider.id };
  const begin = useChange(
    () => request("POST /external-auth/{externalauth}/start", { path, query: { redirect: "/settings/external-auth" } }),
    {
      stale: [],
      failed: words.beginFailed,
      after: ({ url }) => {
        const to = safeLink(new URL(url ?? "", document.baseURI).href);
        if (to) window.location.assign(to);
        else toastError(words.beginFailed, new Error(words.codeUnsafe));
      },
    },
  );
  const signOut = useChange(() => request("DELETE /api/v2/external-auth/{externalauth}", { path }), {
    stale,
    failed: words.signOutFailed,
    after: (out) => {
      setAsked(undefined);
      if (out.token_revocation_error)
        toast({ tone: "bad", title: words.notRevoked, text: plain(out.token_revocation_error) });
      else toast({ tone: "ok", title: words.signedOut });
    },
  });
  const fine = link?.authenticated;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-3 px-4 py-3.5">
      <Avatar name={name} src={provider.display_icon} square size={32} />
      <div className="min-w-0 flex-1 basis-56">
        <h2 className="truncate font-medium">{name}</h2>
        <State provider={provider} link={link} />
      </div>
      <div className="flex flex-wrap gap-2 max-sm:w-full max-sm:pl-12">
        {fine ? null : (
          <>
            <Button
              size="sm"
              look={link ? "primary" : "plain"}
              aria-label={link ? words.signInAgainTo(name) : words.signInTo(name)}
              busy={begin.isPending}
              onClick={() => begin.mutate()}
            >
              {link ? words.signInAgain : words.signIn}
            </Button>
            {provider.device ? (
              <Button size="sm" aria-label={words.codeFor(name)} onClick={() => setAsked("code")}>
                {words.withCode}
              </Button>
            ) : null}
          </>
        )}
        {link ? (
          <Button size="sm" look="quiet" aria-label={words.signOutOf(name)} onClick={() => setAsked("out")}>
            {words.signOut}
          </Button>
        ) : null}
      </div>
      {asked === "code" ? <Device id={provider.id} name={name} onClose={() => setAsked(undefined)} /> : null}
      {asked === "out" ? (
        <TypedName
          title={words.signOutTitle(name)}
          text={`${words.signOutText} ${provider.supports_revocation ? words.signOutTold : words.signOutNotTold}`}
          act={words.signOutAct}
          busy={signOut.isPending}
          onConfirm={() => signOut.mutate()}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
    </li>
  );
}

/** State is whether one is signed in, as whom, and for how long. */
function State({ provider, link }: { provider: ExternalAuthLinkProvider; link: ExternalAuthLink | undefined }) {
  const detail = useQuery({
    ...read("GET /api/v2/external-auth/{externalauth}", { path: { externalauth: provider.id } }),
    enabled: Boolean(link?.authenticated),
    staleTime: 60_000,
  });
  if (!link) return <Status tone="off">{words.notIn}</Status>;
  if (!link.authenticated) {
    return (
      <>
        <Status tone="bad">{words.again}</Status>
        {link.validate_error ? (
          <p className="break-words text-muted text-sm">{plain(link.validate_error, 400)}</p>
        ) : null}
      </>
    );
  }
  const login = plain(detail.data?.user?.login ?? "", 64);
  const install = detail.data?.app_installable ? safeLink(detail.data.app_install_url) : undefined;
  return (
    <>
      <Status tone="ok">{login ? words.as(login) : words.isIn}</Status>
      <p className="text-muted text-sm">
        {link.has_refresh_token && provider.allow_refresh ? (
          words.refreshed
        ) : Date.parse(link.expires) > 0 ? (
          <>
            {words.ends} <Ago at={link.expires} />.
          </>
        ) : (
          words.lives
        )}
      </p>
      {install ? (
        <a href={install} target="_blank" rel="noreferrer" className={`${buttonClass("plain", "sm")} mt-2`}>
          {words.install}
        </a>
      ) : null}
    </>
  );
}
