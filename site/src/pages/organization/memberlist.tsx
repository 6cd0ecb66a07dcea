import { useNavigate } from "@tanstack/react-router";
import { Ellipsis, Tags, UserMinus, UserRound } from "lucide-react";
import { useState } from "react";
import { request } from "@/api/client";
import type { Organization, OrganizationMember } from "@/api/generated";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { type Answers, noRight } from "@/components/may";
import { Person, UserStatus } from "@/components/person";
import { RoleChips } from "@/components/roles";
import { plain } from "@/lib/plain";
import { IconButton } from "@/ui/button";
import { type Column, Listing, ListingCell, ListingRow } from "@/ui/listing";
import { Menu, MenuItem, MenuLine } from "@/ui/menu";
import { TypedName } from "@/ui/typedname";
import { MemberRoles } from "./memberroles";
import { memberEndpoints } from "./stale";
import { words } from "./texts";

const columns: readonly Column[] = [
  { title: words.person },
  { title: words.roles, className: "w-52 max-md:hidden" },
  { title: words.status, className: "w-28 max-sm:hidden" },
  { title: words.seen, className: "w-32 max-lg:hidden" },
  { title: words.actions, className: "w-14", silent: true },
];

interface Props {
  organization: Organization;
  rows: OrganizationMember[];
  stale: boolean;
  can: Answers<"remove" | "assign">;
}

export function MemberList({ organization, rows, stale, can }: Props) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<{ what: "roles" | "remove"; member: OrganizationMember }>();
  const close = () => setAsked(undefined);
  return (
    <>
      <Listing label={words.members} columns={columns} stale={stale}>
        {rows.map((m) => (
          <ListingRow key={m.user_id}>
            <ListingCell>
              <Person user={m} />
              {m.roles?.length ? (
                <div className="mt-1.5 pl-10 md:hidden">
                  <RoleChips roles={m.roles} none={words.onlyDefault} />
                </div>
              ) : null}
            </ListingCell>
            <ListingCell className="max-md:hidden">
              <RoleChips roles={m.roles} none={words.onlyDefault} />
            </ListingCell>
            <ListingCell className="max-sm:hidden">
              <UserStatus status={m.status} />
            </ListingCell>
            <ListingCell className="truncate text-muted max-lg:hidden">
              <Ago at={m.last_seen_at} />
            </ListingCell>
            <ListingCell>
              <Menu
                trigger={
                  <IconButton silent label={words.menuOf(plain(m.username, 64))}>
                    <Ellipsis size={16} />
                  </IconButton>
                }
              >
                <MenuItem
                  icon={<Tags size={15} />}
                  reason={noRight(can.assign)}
                  onSelect={() => setAsked({ what: "roles", member: m })}
                >
                  {words.editRoles}
                </MenuItem>
                <MenuItem
                  icon={<UserRound size={15} />}
                  onSelect={() => void navigate({ to: "/deployment/users/$user", params: { user: m.username } })}
                >
                  {words.openUser}
                </MenuItem>
                <MenuLine />
                <MenuItem
                  danger
                  icon={<UserMinus size={15} />}
                  reason={noRight(can.remove)}
                  onSelect={() => setAsked({ what: "remove", member: m })}
                >
                  {words.remove}
                </MenuItem>
              </Menu>
            </ListingCell>
          </ListingRow>
        ))}
      </Listing>
      {asked?.what === "roles" ? (
        <MemberRoles organization={organization} member={asked.member} onClose={close} />
      ) : null}
      {asked?.what === "remove" ? <Remove organization={organization} member={asked.member} onClose={close} /> : null}
    </>
  );
}

interface RemoveProps {
  organization: Organization;
  member: OrganizationMember;
  onClose: () => void;
}

function Remove({ organization, member, onClose }: RemoveProps) {
  const name = plain(member.username, 64);
  const remove = useChange(
    () =>
      request("DELETE /api/v2/organizations/{organization}/members/{user}", {
        path: { organization: organization.id, user: member.user_id },
      }),
    { stale: memberEndpoints, done: words.removed(name), after: onClose },
  );
  return (
    <TypedName
      title={words.removeTitle(name, plain(organization.display_name || organization.name, 64))}
      text={words.removeText}
      act={words.removeAct}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {remove.isError ? <ApiErrorBox error={remove.error} title={words.notRemoved} /> : null}
    </TypedName>
  );
}
