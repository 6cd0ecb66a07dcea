import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { ProvisionerKeyDaemons } from "@/api/generated";
import { read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { plain } from "@/lib/plain";
import { Empty, Skeleton } from "@/ui/bits";
import { Button, IconButton } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Listing, ListingCell, ListingRow } from "@/ui/listing";
import { ShownOnce } from "@/ui/shownonce";
import { Status } from "@/ui/status";
import { TypedName } from "@/ui/typedname";
import { NewKey } from "./newkey";
import { Tags } from "./tags";
import { words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/provisioner-keys");

const columns = [
  { title: words.name },
  { title: words.tags, className: "max-sm:hidden" },
  { title: words.users, className: "w-36" },
  { title: words.made, className: "w-36 max-md:hidden" },
  { title: words.actions, className: "w-14", silent: true },
];

export default function KeysPage() {
  const { organization } = route.useParams();
  const [form, setForm] = useState(false);
  const [made, setMade] = useState("");
  const keys = useQuery({
    ...read("GET /api/v2/organizations/{organization}/provisionerkeys/daemons", { path: { organization } }),
    refetchInterval: 10_000,
  });
  const url = document.baseURI.replace(/\/+$/, "");
  return (
    <>
      <PageHead
        title={words.keys}
        text={words.keysText}
        actions={
          keys.data ? (
            <Button look="primary" onClick={() => setForm(true)}>
              {words.newKey}
            </Button>
          ) : undefined
        }
      />
      {keys.error ? (
        <ApiErrorBox error={keys.error} title={words.keysFailed} onRetry={() => void keys.refetch()} />
      ) : null}
      {keys.isPending ? <Skeleton className="h-40" /> : null}
      {keys.data?.length === 0 ? (
        <Empty title={words.keysNone} text={words.keysNoneText}>
          <CodeBlock code={words.keysCode(plain(organization, 64))} />
        </Empty>
      ) : null}
      {keys.data && keys.data.length > 0 ? (
        <Listing label={words.keys} columns={columns}>
          {keys.data.map((k) => (
            <KeyRow key={k.key.id} entry={k} organization={organization} />
          ))}
        </Listing>
      ) : null}
      {form ? (
        <NewKey
          organization={organization}
          onClose={() => setForm(false)}
          onMade={(secret) => {
            setForm(false);
            setMade(secret);
          }}
        />
      ) : null}
      {made ? (
        <ShownOnce
          title={words.shownTitle}
          text={words.shownText}
          secret={made}
          label={words.shownTitle}
          done={words.shownDone}
          onClose={() => setMade("")}
        >
          <div className="flex flex-col gap-1.5">
            <p className="font-medium text-sm">{words.shownUse}</p>
            <CodeBlock code={`export CODER_PROVISIONER_DAEMON_KEY=…\ncoder provisioner start --url ${url}`} />
          </div>
        </ShownOnce>
      ) : null}
    </>
  );
}

function KeyRow({ entry, organization }: { entry: ProvisionerKeyDaemons; organization: string }) {
  const { key } = entry;
  const [asked, setAsked] = useState(false);
  const name = plain(key.name, 64);
  const all = entry.daemons ?? [];
  const online = all.filter((d) => d.status !== "offline").length;
  const remove = useChange(
    () =>
      request("DELETE /api/v2/organizations/{organization}/provisionerkeys/{provisionerkey}", {
        path: { organization, provisionerkey: key.name },
      }),
    {
      stale: ["GET /api/v2/organizations/{organization}/provisionerkeys/daemons"],
      done: words.deleted,
      failed: words.deleteFailed,
      after: () => setAsked(false),
    },
  );
  return (
    <ListingRow>
      <ListingCell>
        <span className="block truncate font-medium">{name}</span>
        <span className="sm:hidden">
          <Tags tags={key.tags} />
        </span>
      </ListingCell>
      <ListingCell className="max-sm:hidden">
        <Tags tags={key.tags} />
      </ListingCell>
      <ListingCell>
        <span
          title={
            all
              .map((d) => plain(d.name, 64))
              .slice(0, 30)
              .join(", ") || undefined
          }
        >
          <Status tone={online > 0 ? "ok" : "off"}>
            {all.length === 0 ? words.unused : words.online(online, all.length)}
          </Status>
        </span>
      </ListingCell>
      <ListingCell className="text-muted max-md:hidden">
        <Ago at={key.created_at} />
      </ListingCell>
      <ListingCell className="pr-3 text-right">
        <IconButton label={words.deleteKey(name)} small onClick={() => setAsked(true)}>
          <Trash2 size={15} />
        </IconButton>
        {asked ? (
          <TypedName
            title={words.deleteTitle(name)}
            text={words.deleteText(online)}
            name={online > 0 ? key.name : undefined}
            act={words.deleteAct}
            busy={remove.isPending}
            onConfirm={() => remove.mutate()}
            onClose={() => setAsked(false)}
          />
        ) : null}
      </ListingCell>
    </ListingRow>
  );
}
