import type { ReactNode } from "react";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Status, type Tone } from "@/ui/status";

interface Props {
  user: { username: string; name?: string; email?: string; avatar_url?: string; is_service_account?: boolean };
  /** link wraps the name. */
  link?: (name: ReactNode) => ReactNode;
  size?: number;
  mark?: ReactNode;
}

/** Person is a picture, a name, and what else tells people apart. */
export function Person({ user, link = (name) => name, size = 28, mark }: Props) {
  const name = plain(user.username, 64);
  const more = [user.name, user.email, user.is_service_account ? "Service account" : ""]
    .filter(Boolean)
    .map((part) => plain(part!, 128));
  return (
    <div className="flex min-w-0 items-center gap-3">
      <Avatar name={name} src={user.avatar_url} size={size} />
      <div className="min-w-0">
        <div className="flex min-w-0 items-center gap-2">
          <span className="truncate font-medium">{link(name)}</span>
          {mark}
        </div>
        {more.length > 0 ? <div className="truncate text-muted text-sm">{more.join(" · ")}</div> : null}
      </div>
    </div>
  );
}

const states: Record<string, readonly [Tone, string]> = {
  active: ["ok", "Active"],
  dormant: ["off", "Dormant"],
  suspended: ["bad", "Suspended"],
};

export function UserStatus({ status }: { status: string }) {
  const [tone, word] = states[status] ?? ["off", plain(status, 32)];
  return <Status tone={tone}>{word}</Status>;
}

/** loginTypes are the ways to sign in, in words. */
export const loginTypes: Record<string, string> = {
  password: "Password",
  github: "GitHub",
  oidc: "OpenID Connect",
  token: "Token only",
  none: "Tokens only",
};
