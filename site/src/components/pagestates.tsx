import { Link, useRouter } from "@tanstack/react-router";
import { ApiError } from "@/api/client";
import { texts } from "@/lib/texts";
import { Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { ApiErrorBox } from "./apierror";

/** NotFound is the page of an address that leads nowhere. */
export function NotFound({ text = texts.notFoundText }: { text?: string }) {
  return (
    <Empty title={texts.notFoundTitle} text={text}>
      <Link to="/workspaces" className={`${buttonClass("primary")} self-center`}>
        {texts.toWorkspaces}
      </Link>
    </Empty>
  );
}

/** A page of an older server loads parts that are not there any more. */
const stale = /dynamically imported module|importing a module script|preload CSS/i;

/** PageError takes the place of a page that failed; the shell around it stays. */
export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  if (error instanceof ApiError && error.status === 404) return <NotFound text={error.message} />;
  if (error instanceof ApiError) {
    return (
      <div className="mx-auto w-full max-w-3xl p-4">
        <ApiErrorBox error={error} title={texts.brokenTitle} onRetry={() => void router.invalidate()} />
      </div>
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="mx-auto w-full max-w-3xl p-4">
      <ErrorBox
        title={texts.brokenTitle}
        message={stale.test(message) ? texts.newVersion : message}
        actions={
          <Button size="sm" onClick={() => window.location.reload()}>
            {texts.reload}
          </Button>
        }
      />
    </div>
  );
}

/** PagePending stands while a page is on its way. */
export function PagePending() {
  return (
    <div role="status" aria-label={texts.loading} className="mx-auto flex w-full max-w-6xl flex-col gap-4 p-4 sm:p-6">
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-40" />
      <Skeleton className="h-24" />
    </div>
  );
}
