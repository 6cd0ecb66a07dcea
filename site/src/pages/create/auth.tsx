import { useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useState } from "react";
import type { TemplateVersionExternalAuth } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { safeLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Button } from "@/ui/button";
import { words } from "./texts";

/** How often it is asked whether a sign-in is done, in milliseconds. */
const pace = 1500;

/** useAuth are the services that a version needs, asked again while one of them waits. */
export function useAuth(version: string) {
  const [waiting, setWaiting] = useState(false);
  const query = useQuery({
    ...read("GET /api/v2/templateversions/{templateversion}/external-auth", { path: { templateversion: version } }),
    refetchInterval: (q) => (waiting && (q.state.data ?? []).some((a) => !a.authenticated) ? pace : false),
  });
  const services = query.data ?? [];
  return {
    services,
    error: query.error,
    retry: () => void query.refetch(),
    waiting,
    wait: () => setWaiting(true),
    missing: services.some((s) => !s.authenticated && !s.optional),
  };
}

/** Auth leads to the sign-in of services, in a window of its own, and notices when it is done. */
export function Auth({ auth, other }: { auth: ReturnType<typeof useAuth>; other: boolean }) {
  if (auth.error) return <ApiErrorBox error={auth.error} title={words.partFailed} onRetry={auth.retry} />;
  if (auth.services.length === 0) return null;
  return (
    <section className="flex flex-col gap-1.5">
      <h2 className="font-medium text-sm">{words.auth}</h2>
      <p className="text-muted text-sm">{other ? words.authOther : words.authText}</p>
      <ul className="rounded-md border border-line-strong bg-surface">
        {auth.services.map((s) => (
          <li key={s.id} className="flex items-center gap-3 border-line border-b px-3 py-2 last:border-b-0">
            <Service service={s} other={other} waiting={auth.waiting} onOpen={auth.wait} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Props {
  service: TemplateVersionExternalAuth;
  other: boolean;
  waiting: boolean;
  onOpen: () => void;
}

function Service({ service: s, other, waiting, onOpen }: Props) {
  const [opened, setOpened] = useState(false);
  const name = plain(s.display_name || s.id, 64);
  const link = safeLink(s.authenticate_url);
  return (
    <>
      <Avatar name={name} src={s.display_icon} square size={24} />
      <span className="min-w-0 flex-1 break-words">
        <span className="font-medium">{name}</span>
        {s.optional ? <span className="text-muted text-sm"> · {words.authOptional}</span> : null}
      </span>
      {s.authenticated ? (
        <span className="flex items-center gap-1.5 text-ok text-sm">
          <Check size={15} aria-hidden />
          {words.authDone}
        </span>
      ) : other ? (
        <span className="text-muted text-sm">{words.authMissing}</span>
      ) : (
        <Button
          size="sm"
          reason={link ? undefined : words.authLink}
          onClick={() => {
            setOpened(true);
            onOpen();
            window.open(link, "_blank", "noopener,popup,width=900,height=720");
          }}
        >
          {opened && waiting ? words.waiting : `${words.signIn}`}
          <span className="sr-only">{name}</span>
        </Button>
      )}
    </>
  );
}
