import { useBlocker } from "@tanstack/react-router";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { words } from "./texts";

/** Leave asks before a page with changes that are not built is left. */
export function Leave({ dirty, kept }: { dirty: boolean; kept: boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname,
    enableBeforeUnload: () => dirty,
    withResolver: true,
  });
  if (blocker.status !== "blocked") return null;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && blocker.reset()}
      title={words.leaveTitle}
      text={kept ? words.leaveText : words.leaveLost}
      footer={
        <>
          <Button onClick={blocker.reset}>{words.stay}</Button>
          <Button look={kept ? "primary" : "danger"} onClick={blocker.proceed}>
            {words.leave}
          </Button>
        </>
      }
    />
  );
}
