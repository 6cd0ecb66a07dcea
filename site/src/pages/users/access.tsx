import { useState } from "react";
import { ApiError, request } from "@/api/client";
import type { User } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { UserStatus } from "@/components/person";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TypedName } from "@/ui/typedname";
import { NewPassword } from "./newpassword";
import { words } from "./texts";

interface Props {
  user: User;
  self: boolean;
  allowed: boolean | undefined;
  personal: boolean | undefined;
}

/** Access is whether somebody can sign in, and by which password. */
export function Access({ user, self, allowed, personal }: Props) {
  const [asked, setAsked] = useState<"suspend" | "password">();
  const off = user.status === "suspended";
  const close = () => setAsked(undefined);
  const stale = ["GET /api/v2/users", "GET /api/v2/users/{user}"] as const;
  const path = { user: user.id };
  const suspend = useChange(() => request("PUT /api/v2/users/{user}/status/suspend", { path }), {
    stale,
    done: words.suspended1,
    after: close,
  });
  const activate = useChange(() => request("PUT /api/v2/users/{user}/status/activate", { path }), {
    stale,
    done: words.activated1,
    failed: words.notActivated,
  });
  const noReset = self ? words.resetSelf : user.login_type === "password" ? noRight(personal) : words.noPassword;
  return (
    <Card title={words.access}>
      <div className="flex flex-wrap items-center gap-3 px-4 py-4">
        <div className="min-w-0 flex-1 basis-64">
          <UserStatus status={user.status} />
          <p className="mt-1 text-muted">{words.statusText[user.status]}</p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button reason={noReset} onClick={() => setAsked("password")}>
            {words.resetPassword}
          </Button>
          {user.status === "active" ? null : (
            <Button busy={activate.isPending} reason={noRight(allowed)} onClick={() => activate.mutate()}>
              {words.activate}
            </Button>
          )}
          {off ? null : (
            <Button
              look="danger"
              reason={self ? words.suspendSelf : noRight(allowed)}
              onClick={() => setAsked("suspend")}
            >
              {words.suspendAct}
            </Button>
          )}
        </div>
      </div>
      {asked === "suspend" ? (
        <TypedName
          title={words.suspendTitle(plain(user.username, 64))}
          text={words.suspendText}
          act={words.suspend}
          busy={suspend.isPending}
          onClose={() => {
            suspend.reset();
            close();
          }}
          onConfirm={() => suspend.mutate()}
        >
          {suspend.isError ? <ApiErrorBox error={suspend.error} title={words.notSuspended} /> : null}
        </TypedName>
      ) : null}
      {asked === "password" ? <Reset user={user} onClose={close} /> : null}
    </Card>
  );
}

function Reset({ user, onClose }: { user: User; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const reset = useChange(
    () => request("PUT /api/v2/users/{user}/password", { path: { user: user.id }, body: { password } }),
    { stale: ["GET /api/v2/users/{user}"], done: words.resetDone, after: onClose },
  );
  const inField = reset.error instanceof ApiError ? reset.error.field("password") : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.resetTitle(plain(user.username, 64))}
      text={words.resetText}
      className="max-w-lg"
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button look="primary" type="submit" form="reset" disabled={password === ""} busy={reset.isPending}>
            {words.reset}
          </Button>
        </>
      }
    >
      <form
        id="reset"
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!reset.isPending) reset.mutate();
        }}
      >
        {reset.isError && !inField ? <ApiErrorBox error={reset.error} /> : null}
        <NewPassword value={password} onChange={setPassword} error={inField} />
      </form>
    </Dialog>
  );
}
