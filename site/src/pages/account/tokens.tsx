import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useMay } from "@/components/may";
import { PageHead } from "@/components/pagehead";
import { Empty, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Checkbox, Input } from "@/ui/field";
import { ShownOnce } from "@/ui/shownonce";
import { NewToken } from "./newtoken";
import { TokenList } from "./tokenlist";
import { words } from "./tokentexts";

const route = getRouteApi("/in/settings/settings/tokens");

export default function TokensPage() {
  const { all, expired, owner, make } = route.useSearch();
  const navigate = route.useNavigate();
  const [made, setMade] = useState("");
  const can = useMay({ all: { action: "read", object: { resource_type: "api_key" } } });
  const tokens = useQuery({
    ...read("GET /api/v2/users/{user}/keys/tokens", {
      path: { user: "me" },
      query: { include_all: all, include_expired: expired },
    }),
    refetchInterval: 30_000,
  });
  const filter = (change: { all?: true; expired?: true; owner?: string }) =>
    void navigate({ search: { all, expired, owner, ...change }, replace: true });
  const rows = (tokens.data ?? []).filter(
    (k) => !all || !owner || (k.username ?? "").toLowerCase().includes(owner.toLowerCase()),
  );
  if (make) {
    return (
      <NewToken
        onClose={() => void navigate({ search: { all, expired, owner } })}
        onMade={(secret) => {
          setMade(secret);
          void navigate({ search: { all, expired, owner }, replace: true });
        }}
      />
    );
  }
  return (
    <>
      <PageHead
        title={words.title}
        text={words.text}
        actions={
          <Button look="primary" onClick={() => void navigate({ search: { all, expired, owner, make: true } })}>
            {words.make}
          </Button>
        }
      />
      <fieldset aria-label={words.filters} className="flex min-h-8 flex-wrap items-center gap-x-5 gap-y-2">
        <Checkbox
          label={words.expired}
          checked={expired ?? false}
          onChange={(on) => filter({ expired: on || undefined })}
        />
        {can.all || all ? (
          <Checkbox
            label={words.everyone}
            checked={all ?? false}
            onChange={(on) => filter({ all: on || undefined, owner: undefined })}
          />
        ) : null}
        {all ? (
          <Input
            type="search"
            aria-label={words.ownerFilter}
            placeholder={words.ownerHint}
            value={owner ?? ""}
            maxLength={64}
            onChange={(e) => filter({ owner: e.target.value || undefined })}
            className="max-w-52"
          />
        ) : null}
      </fieldset>
      {tokens.error ? (
        <ApiErrorBox error={tokens.error} title={words.failed} onRetry={() => void tokens.refetch()} />
      ) : null}
      {tokens.isPending ? <Skeleton className="h-40" /> : null}
      {tokens.data && rows.length > 0 ? <TokenList tokens={rows} owners={all ?? false} /> : null}
      {tokens.data && rows.length === 0 ? (
        owner ? (
          <Empty title={words.noneMatch} />
        ) : (
          <Empty title={words.none} text={words.noneText}>
            <CodeBlock code="coder tokens create --name ci --lifetime 7d --scope workspace:read" />
          </Empty>
        )
      ) : null}
      {made ? (
        <ShownOnce
          title={words.shownTitle}
          text={words.shownText}
          secret={made}
          label={words.shownTitle}
          done={words.done}
          onClose={() => setMade("")}
        >
          <div className="flex flex-col gap-1.5">
            <p className="font-medium text-sm">{words.shownUse}</p>
            <CodeBlock
              code={`export CODER_URL=${document.baseURI.replace(/\/+$/, "")}\nexport CODER_SESSION_TOKEN=…`}
            />
          </div>
        </ShownOnce>
      ) : null}
    </>
  );
}
