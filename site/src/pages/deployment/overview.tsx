import { useQuery } from "@tanstack/react-query";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { Skeleton } from "@/ui/bits";
import { OptionList } from "./optionlist";
import { Server, Ssh } from "./server";
import { Stats } from "./stats";
import { words } from "./texts";

export default function DeploymentOverview() {
  const { data, error, refetch } = useQuery({ ...read("GET /api/v2/deployment/config"), staleTime: 60_000 });
  return (
    <>
      <header>
        <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
        <p className="text-balance text-muted">{words.intro}</p>
      </header>
      {error ? null : <Stats />}
      <div className="grid gap-4 lg:grid-cols-2">
        <Server options={data?.options ?? []} />
        <Ssh />
      </div>
      {error ? <ApiErrorBox error={error} title={words.loadFailed} onRetry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton className="h-96" /> : null}
      {data ? <OptionList options={data.options ?? []} /> : null}
    </>
  );
}
