import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { basePath } from "@/api/base";
import type { DeploymentOption } from "@/api/generated";
import { buildInfo, read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { Facts } from "@/components/loglist";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { CodeBlock, CopyButton } from "@/ui/codeblock";
import { accessNotices } from "./access";
import { words } from "./texts";

const code = (text: string) => <code className="wrap-anywhere font-mono text-sm">{plain(text, 500)}</code>;

/** Server is what runs here, and what is odd about its address. */
export function Server({ options }: { options: readonly DeploymentOption[] }) {
  const { data, error, refetch } = useQuery(buildInfo());
  const access = options.find((o) => o.env === "CODER_ACCESS_URL")?.value;
  const url = typeof access === "string" && access ? access : (data?.external_url ?? "");
  return (
    <Card title={words.build}>
      <div className="flex flex-col gap-3 px-4 py-3">
        {error ? <ApiErrorBox error={error} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-32" /> : null}
        {data ? (
          <Facts
            facts={[
              [words.version, plain(data.version, 100)],
              [words.url, url ? code(url) : words.none],
              [
                words.id,
                <span key="id" className="flex items-start gap-1">
                  {code(data.deployment_id)}
                  <span className="-my-1">
                    <CopyButton text={data.deployment_id} />
                  </span>
                </span>,
              ],
              [words.agentApi, plain(data.agent_api_version, 32)],
              [words.provisionerApi, plain(data.provisioner_api_version, 32)],
              [words.telemetry, data.telemetry ? words.telemetryOn : words.telemetryOff],
            ]}
          />
        ) : null}
        {accessNotices(url, window.location.origin + basePath).map((notice) => (
          <Notice key={notice}>{notice}</Notice>
        ))}
      </div>
    </Card>
  );
}

const Notice = ({ children }: { children: ReactNode }) => (
  <p className="flex gap-2 rounded-md border border-warn/40 bg-warn-soft px-3 py-2 text-sm">
    <TriangleAlert size={15} aria-hidden className="mt-0.5 shrink-0 text-warn" />
    <span className="min-w-0 break-words">{children}</span>
  </p>
);

/** Ssh is what coder config-ssh writes. */
export function Ssh() {
  const { data, error, refetch } = useQuery({ ...read("GET /api/v2/deployment/ssh"), staleTime: 60_000 });
  const options = Object.entries(data?.ssh_config_options ?? {});
  return (
    <Card title={words.sshTitle}>
      <div className="flex flex-col gap-3 px-4 py-3">
        <p className="text-muted">{words.sshText}</p>
        {error ? <ApiErrorBox error={error} title={words.sshFailed} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-24" /> : null}
        {data ? (
          <Facts
            facts={[
              [words.sshPrefix, data.hostname_prefix ? code(data.hostname_prefix) : words.none],
              [words.sshSuffix, data.hostname_suffix ? code(data.hostname_suffix) : words.none],
              [
                words.sshOptions,
                options.length > 0 ? (
                  <ul key="options">
                    {options.slice(0, 100).map(([name, value]) => (
                      <li key={name}>{code(`${name} ${value}`)}</li>
                    ))}
                  </ul>
                ) : (
                  words.none
                ),
              ],
            ]}
          />
        ) : null}
        <CodeBlock
          code={`coder config-ssh\nssh ${data?.hostname_suffix ? `demo.${plain(data.hostname_suffix, 100)}` : "coder.demo"}`}
        />
      </div>
    </Card>
  );
}
