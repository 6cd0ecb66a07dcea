import { Link } from "@tanstack/react-router";
import type { User } from "@/api/generated";
import { Ago } from "@/components/ago";
import { loginTypes, Person, UserStatus } from "@/components/person";
import { RoleChips } from "@/components/roles";
import { plain } from "@/lib/plain";
import { Checkbox } from "@/ui/field";
import { type Column, Listing, ListingCell, ListingRow, rowLink } from "@/ui/listing";
import { words } from "./texts";

interface Props {
  rows: User[];
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
  stale: boolean;
}

export function List({ rows, picked, onPick, stale }: Props) {
  const count = rows.filter((u) => picked.has(u.id)).length;
  const all = count === 0 ? false : count === rows.length ? true : "indeterminate";
  const box = (
    <Checkbox
      bare
      label={words.selectAll}
      checked={all}
      onChange={(on) => onPick(new Set(on ? rows.map((u) => u.id) : []))}
    />
  );
  const columns: Column[] = [
    { title: words.selectAll, head: box, className: "w-10" },
    { title: words.user },
    { title: words.roles, className: "w-48 max-lg:hidden" },
    { title: words.login, className: "w-36 max-lg:hidden" },
    { title: words.state, className: "w-28" },
    { title: words.seen, className: "w-32 max-md:hidden" },
  ];
  return (
    <Listing label={words.title} columns={columns} stale={stale}>
      {rows.map((u) => (
        <ListingRow key={u.id} picked={picked.has(u.id)}>
          <ListingCell>
            <span className="relative z-10 inline-flex align-middle">
              <Checkbox
                bare
                label={words.select(plain(u.username, 64))}
                checked={picked.has(u.id)}
                onChange={(on) => {
                  const next = new Set(picked);
                  if (on) next.add(u.id);
                  else next.delete(u.id);
                  onPick(next);
                }}
              />
            </span>
          </ListingCell>
          <ListingCell>
            <Person
              user={u}
              link={(name) => (
                <Link to="/deployment/users/$user" params={{ user: u.username }} className={rowLink}>
                  {name}
                </Link>
              )}
            />
          </ListingCell>
          <ListingCell className="max-lg:hidden">
            <RoleChips roles={u.roles} none={words.member} />
          </ListingCell>
          <ListingCell className="truncate text-muted max-lg:hidden">
            {loginTypes[u.login_type] ?? plain(u.login_type, 32)}
          </ListingCell>
          <ListingCell>
            <UserStatus status={u.status} />
          </ListingCell>
          <ListingCell className="truncate text-muted max-md:hidden">
            <Ago at={u.last_seen_at} />
          </ListingCell>
        </ListingRow>
      ))}
    </Listing>
  );
}
