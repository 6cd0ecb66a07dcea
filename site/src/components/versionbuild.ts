import { type QueryClient, skipToken, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { request, uploadArchive } from "@/api/client";
import type { ProvisionerJob, TemplateVersion } from "@/api/generated";
import { emptyLog, followVersionLog, type Log } from "@/api/logs";
import { read, versionLogKey } from "@/api/queries";
import { maxUpload } from "@/lib/archive";
import { TarError, type TarInput, writeTar } from "@/lib/tar";
import { toastError } from "./apierror";

// A version of a template is an archive that a provisioner has imported: it is uploaded,
// the import is asked for, and the job is watched until it ends.

export interface VersionWish {
  organization: string;
  source: { files: readonly TarInput[] } | { archive: Uint8Array<ArrayBuffer>; type: string } | { example: string };
  /** template is absent for the first version of one. */
  template?: string;
  name?: string;
  message?: string;
  tags?: Record<string, string>;
  variables?: Record<string, string>;
}

/** fitting refuses what the server would not take, before it is sent. */
function fitting(archive: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (archive.length <= maxUpload) return archive;
  const size = (archive.length / (1 << 20)).toFixed(1);
  throw new TarError(`The files are ${size} MiB; the server takes 10 MiB. Leave out what the template does not need.`);
}

/** startVersion uploads what is needed and asks for the import. It answers when the job is in the queue. */
export async function startVersion(wish: VersionWish): Promise<TemplateVersion> {
  const { organization, source, template, name, message, tags, variables } = wish;
  let from: { file_id?: string; example_id?: string };
  if ("example" in source) from = { example_id: source.example };
  else if ("files" in source) from = { file_id: await uploadArchive(fitting(writeTar(source.files))) };
  else from = { file_id: await uploadArchive(fitting(source.archive), source.type) };
  return request("POST /api/v2/organizations/{organization}/templateversions", {
    path: { organization },
    body: {
      ...from,
      provisioner: "terraform",
      storage_method: "file",
      ...(template ? { template_id: template } : {}),
      ...(name ? { name } : {}),
      ...(message ? { message } : {}),
      ...(tags && Object.keys(tags).length > 0 ? { tags } : {}),
      user_variable_values: Object.entries(variables ?? {}).map(([n, value]) => ({ name: n, value })),
    },
  });
}

export function jobUnderWay(status: ProvisionerJob["status"] | undefined): boolean {
  return status === "pending" || status === "running" || status === "canceling";
}

const one = (id: string) => read("GET /api/v2/templateversions/{templateversion}", { path: { templateversion: id } });

/** useVersion is a version, asked for again while its import is under way. */
export function useVersion(id: string | undefined) {
  return useQuery({
    ...one(id ?? ""),
    enabled: Boolean(id),
    refetchInterval: (query) => (jobUnderWay(query.state.data?.job.status) ? 700 : false),
  });
}

/** keepVersion puts what a request has answered where useVersion finds it. */
export function keepVersion(client: QueryClient, version: TemplateVersion) {
  client.setQueryData(one(version.id).queryKey, version);
}

/** useVersionLog follows the log of a version's import. */
export function useVersionLog(id: string | undefined): Log {
  const client = useQueryClient();
  const { data = emptyLog } = useQuery<Log>({
    queryKey: versionLogKey(id ?? ""),
    queryFn: skipToken,
    initialData: emptyLog,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (!id || client.getQueryData<Log>(versionLogKey(id))?.all) return;
    return followVersionLog(client, id, versionLogKey(id));
  }, [client, id]);
  useEffect(() => {
    // The end of the log is the end of the job: nobody waits for the next look.
    if (id && data.all) void client.invalidateQueries({ queryKey: one(id).queryKey });
  }, [client, id, data.all]);
  return data;
}

/** useCancelVersion stops an import. */
export function useCancelVersion() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      request("PATCH /api/v2/templateversions/{templateversion}/cancel", { path: { templateversion: id } }),
    onSettled: (_, __, id) => client.invalidateQueries({ queryKey: one(id).queryKey }),
    onError: (error) => toastError("The build goes on", error),
  });
}

/** forgetTemplates makes lists and pages of templates ask again. */
export function forgetTemplates(client: QueryClient) {
  void client.invalidateQueries({
    predicate: ({ queryKey }) => typeof queryKey[0] === "string" && /^GET \/api\/v2\/.*templates\b/.test(queryKey[0]),
  });
}
