import { useQuery } from "@tanstack/react-query";
import type { Template } from "@/api/generated";
import { read } from "@/api/queries";
import { words } from "./texts";

/** Cost says what the workspace costs a day and what may be spent, before anything is made. */
export function Cost({ template, version, owner }: { template: Template; version: string; owner: string }) {
  const quota = useQuery(
    read("GET /api/v2/organizations/{organization}/members/{user}/workspace-quota", {
      path: { organization: template.organization_id, user: owner },
    }),
  );
  const resources = useQuery(
    read("GET /api/v2/templateversions/{templateversion}/resources", { path: { templateversion: version } }),
  );
  const cost = (resources.data ?? [])
    .filter((r) => r.workspace_transition === "start")
    .reduce((sum, r) => sum + r.daily_cost, 0);
  const { budget = -1, credits_consumed: used = 0 } = quota.data ?? {};
  const limited = budget >= 0;
  if (!limited && cost === 0) return null;
  const tooMuch = limited && cost > 0 && used + cost > budget;
  return (
    <section className="flex flex-col gap-1.5">
      <h2 className="font-medium text-sm">{words.cost}</h2>
      {limited ? (
        <span aria-hidden className="flex h-1.5 overflow-hidden rounded-full bg-sunken">
          <span className="bg-line-strong" style={{ width: share(used, budget) }} />
          <span className={tooMuch ? "bg-bad-fill" : "bg-accent"} style={{ width: share(cost, budget) }} />
        </span>
      ) : null}
      <p className={tooMuch ? "text-sm text-warn" : "text-muted text-sm"}>
        {resources.data ? words.costs(cost) : words.noCost} {limited ? words.used(used, budget) : null}{" "}
        {tooMuch ? words.tooMuch : null}
      </p>
    </section>
  );
}

const share = (part: number, whole: number) =>
  `${whole > 0 ? Math.min(100, (part / whole) * 100) : part > 0 ? 100 : 0}%`;
