import { useQuery } from "@tanstack/react-query";
import { Dices } from "lucide-react";
import { ApiError, request } from "@/api/client";
import type { Template, TemplateVersion, User } from "@/api/generated";
import { read } from "@/api/queries";
import { longestName, nameFault, suggestName } from "@/lib/names";
import { plain } from "@/lib/plain";
import { IconButton } from "@/ui/button";
import { Field, Input, Select } from "@/ui/field";
import { words } from "./texts";

interface Person {
  id: string;
  username: string;
}

interface Props {
  template: Template;
  name: string;
  onName: (name: string) => void;
  nameError: string | undefined;
  owner: Person;
  /** onOwner is there for those who may make workspaces for others. */
  onOwner: ((owner: Person) => void) | undefined;
  user: User;
  version: string;
  versions: TemplateVersion[];
  onVersion: (id: string) => void;
}

/** General is what every workspace has: a name, an owner, a version of the template. */
export function General(props: Props) {
  const { template, name, onName, owner, version, versions, onVersion } = props;
  const taken = useTaken(owner.username, name);
  return (
    <div className="flex flex-col gap-5">
      <Field
        label={words.name}
        error={props.nameError ?? (taken ? words.taken(owner.username) : undefined)}
        hint={words.nameHint}
      >
        <span className="relative block">
          <Input
            value={name}
            onChange={(e) => onName(e.target.value)}
            maxLength={longestName}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            className="pr-10"
          />
          <span className="absolute top-0.5 right-0.5 max-sm:top-1.5">
            <IconButton small label={words.another} onClick={() => onName(suggestName())}>
              <Dices size={15} />
            </IconButton>
          </span>
        </span>
      </Field>
      {props.onOwner ? <Owner {...props} onOwner={props.onOwner} /> : null}
      {versions.length > 1 ? (
        <Field label={words.version} hint={version === template.active_version_id ? undefined : words.versionHint}>
          <Select value={version} onChange={(e) => onVersion(e.target.value)} className="w-full">
            {versions.map((v) => (
              <option key={v.id} value={v.id}>
                {v.id === template.active_version_id ? words.active(plain(v.name, 64)) : plain(v.name, 64)}
              </option>
            ))}
          </Select>
        </Field>
      ) : null}
    </div>
  );
}

/** useTaken says that the owner has a workspace of this name. The server decides again. */
function useTaken(owner: string, name: string): boolean {
  const { data } = useQuery({
    queryKey: ["is the name taken", owner, name],
    enabled: !nameFault(name),
    staleTime: 10_000,
    queryFn: async ({ signal }) => {
      try {
        const path = { user: owner, workspacename: name };
        await request("GET /api/v2/users/{user}/workspace/{workspacename}", { path, signal });
        return true;
      } catch (error) {
        if (error instanceof ApiError) return false;
        throw error;
      }
    },
  });
  return data ?? false;
}

function Owner({ template, owner, onOwner, user }: Props & { onOwner: (owner: Person) => void }) {
  const members = useQuery(
    read("GET /api/v2/organizations/{organization}/members", {
      path: { organization: template.organization_id },
      query: { limit: 1000 },
    }),
  );
  const others = (members.data ?? []).filter((m) => m.user_id !== user.id && m.status !== "suspended");
  if (others.length === 0) return null;
  return (
    <Field label={words.owner} hint={owner.id === user.id ? undefined : words.ownerHint}>
      <Select
        value={owner.id}
        className="w-full"
        onChange={(e) => {
          const found = others.find((m) => m.user_id === e.target.value);
          onOwner(found ? { id: found.user_id, username: found.username } : user);
        }}
      >
        <option value={user.id}>{words.me(user.username)}</option>
        {others.map((m) => (
          <option key={m.user_id} value={m.user_id}>
            {m.username}
          </option>
        ))}
      </Select>
    </Field>
  );
}
