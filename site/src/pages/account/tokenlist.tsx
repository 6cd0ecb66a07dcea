import { Ellipsis, Hourglass, Trash2 } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { Key } from "@/api/generated";
import { Ago } from "@/components/ago";
import { useChange } from "@/components/change";
import { useNow } from "@/hooks/now";
import { plain } from "@/lib/plain";
import { IconButton } from "@/ui/button";
import { Listing, ListingCell, ListingRow } from "@/ui/listing";
import { Menu, MenuItem } from "@/ui/menu";
import { Badge } from "@/ui/status";
import { Tip } from "@/ui/tooltip";
import { TypedName } from "@/ui/typedname";
import { words } from "./tokentexts";

const stale = ["GET /api/v2/users/{user}/keys/tokens"] as const;

export function TokenList({ tokens, owners }: { tokens: Key[]; owners: boolean }) {
  const columns = [
    { title: words.name, className: "sm:w-1/4" },
    ...(owners ? [{ title: words.owner, className: "w-28 max-md:hidden" }] : []),
    { title: words.may, className: "max-sm:hidden" },
    { title: words.used, className: "w-36 max-md:hidden" },
    { title: words.ends, className: "w-28 sm:w-32" },
    { title: words.actions, className: "w-14", silent: true },
  ];
  return (
    <Listing label={words.title} columns={columns}>
      {tokens.map((t) => (
        <Token key={t.id} token={t} owners={owners} />
      ))}
    </Listing>
  );
}

function Token({ token, owners }: { token: Key; owners: boolean }) {
  const now = useNow();
  const [asked, setAsked] = useState(false);
  const path = { user: token.user_id, keyid: token.id };
  const name = plain(token.token_name, 64);
  const over = Date.parse(token.expires_at) <= now;
  const expire = useChange(() => request("PUT /api/v2/users/{user}/keys/{keyid}/expire", { path }), {
    stale,
    done: words.expiredDone,
    failed: words.expireFailed,
  });
  const remove = useChange(() => request("DELETE /api/v2/users/{user}/keys/{keyid}", { path }), {
    stale,
    done: words.removed,
    failed: words.removeFailed,
    after: () => setAsked(false),
  });
  return (
    <ListingRow>
      <ListingCell>
        <span className="block truncate font-medium">{name}</span>
        <span className="block truncate text-muted text-xs">
          <code className="font-mono">{token.id}</code>
          {owners ? <span className="md:hidden"> · {plain(token.username ?? "", 64)}</span> : null}
        </span>
      </ListingCell>
      {owners ? (
        <ListingCell className="truncate px-2 max-md:hidden">{plain(token.username ?? "", 64)}</ListingCell>
      ) : null}
      <ListingCell className="px-2 max-sm:hidden">
        <Reach token={token} />
      </ListingCell>
      <ListingCell className="px-2 text-muted max-md:hidden">
        <Ago at={token.last_used} />
      </ListingCell>
      <ListingCell className="px-2 text-muted">
        {over ? <Badge tone="warn">{words.hasExpired}</Badge> : <Ago at={token.expires_at} />}
      </ListingCell>
      <ListingCell className="pr-3 text-right">
        <Menu
          trigger={
            <IconButton label={words.moreOf(name)} small>
              <Ellipsis size={16} />
            </IconButton>
          }
        >
          {over ? null : (
            <MenuItem icon={<Hourglass size={15} />} onSelect={() => expire.mutate()}>
              {words.expire}
            </MenuItem>
          )}
          <MenuItem icon={<Trash2 size={15} />} danger onSelect={() => setAsked(true)}>
            {words.remove}
          </MenuItem>
        </Menu>
        {asked ? (
          <TypedName
            title={words.removeTitle(name)}
            text={words.removeText}
            act={words.removeAct}
            busy={remove.isPending}
            onConfirm={() => remove.mutate()}
            onClose={() => setAsked(false)}
          />
        ) : null}
      </ListingCell>
    </ListingRow>
  );
}

/** Reach says in a few words what a token may do, and to what; the whole of it is the tooltip. */
function Reach({ token }: { token: Key }) {
  const scopes = token.scopes ?? [];
  const things = (token.allow_list ?? []).filter((a) => !(a.type === "*" && a.id === "*"));
  const what = scopes.some((s) => s === "all" || s === "coder:all")
    ? words.everything
    : scopes.length === 1 && /(^|:)application_connect$/.test(scopes[0]!)
      ? words.apps
      : scopes.length <= 2
        ? scopes.map((s) => plain(s, 64)).join(", ")
        : words.scopes(scopes.length);
  const full = [...scopes, ...things.map((a) => `${a.type}:${a.id}`)]
    .map((s) => plain(s, 96))
    .slice(0, 60)
    .join(", ");
  return (
    <Tip text={full}>
      <span tabIndex={0} className="block rounded-sm">
        <span className="block truncate">{what}</span>
        {things.length > 0 ? <span className="block text-muted text-xs">{words.only(things.length)}</span> : null}
      </span>
    </Tip>
  );
}
