import { queryOptions, useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { readArchive, request } from "@/api/client";
import type { Template, TemplateVersion } from "@/api/generated";
import { read } from "@/api/queries";
import { toastError } from "@/components/apierror";
import { useMay } from "@/components/may";
import { underWay } from "@/lib/status";
import { readTar, type TarFile } from "@/lib/tar";
import { toast } from "@/ui/toast";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template");

const template = (organization: string, name: string) =>
  read("GET /api/v2/organizations/{organization}/templates/{templatename}", {
    path: { organization, templatename: name },
  });

/** useTemplate is the template of the page; the loader of its route has fetched it. */
export function useTemplate(): Template {
  const params = route.useParams();
  return useSuspenseQuery(template(params.organization, params.template)).data;
}

/** usePlace are the parameters of links within the template. */
export const usePlace = () => route.useParams();

/** working says that a job will change by itself. */
export const working = (version: TemplateVersion | undefined) =>
  version ? underWay(version.job.status) || version.job.status === "running" : false;

/** How often a version whose import runs is asked for again, in milliseconds. */
const pace = 1_500;

/** useVersion is the version of that name, or the active one without a name. */
export function useVersion({ id, active_version_id }: Template, name?: string) {
  const place = name
    ? read("GET /api/v2/templates/{template}/versions/{templateversionname}", {
        path: { template: id, templateversionname: name },
      })
    : read("GET /api/v2/templateversions/{templateversion}", { path: { templateversion: active_version_id } });
  return useQuery({
    ...(place as ReturnType<typeof byId>),
    refetchInterval: (query) => (working(query.state.data) ? pace : false),
  });
}

const byId = (id: string) => read("GET /api/v2/templateversions/{templateversion}", { path: { templateversion: id } });

/** Versions are listed in steps of so many. */
export const step = 100;

export const versionsQuery = (template: string, archived: boolean, limit: number) =>
  read("GET /api/v2/templates/{template}/versions", {
    path: { template },
    query: { limit, include_archived: archived || undefined },
  });

/** useVersions is the list, newest first, asked again while an import runs. */
export function useVersions(id: string, archived: boolean, limit: number) {
  return useQuery({
    ...versionsQuery(id, archived, limit),
    placeholderData: (before) => before,
    refetchInterval: (query) => (query.state.data?.some(working) ? pace : false),
  });
}

/** What a version was made of; undefined files say that the archive is none that can be read here. */
interface Archive {
  bytes: Uint8Array;
  type: string;
  files?: TarFile[];
}

/** filesQuery are the files of a version. They never change. */
export const filesQuery = (file: string) =>
  queryOptions({
    queryKey: ["GET /api/v2/files/{fileID}", file],
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    queryFn: async ({ signal }): Promise<Archive> => {
      const archive = await readArchive(file, signal);
      return archive.type.includes("zip") ? archive : { ...archive, files: readTar(archive.bytes) };
    },
  });

/** useRights is what the person may do with the template; fields are undefined until it is known. */
export function useRights({ id }: Template) {
  const object = { resource_type: "template", resource_id: id };
  return useMay({ update: { action: "update", object }, delete: { action: "delete", object } });
}

const changed = ["GET /api/v2/templates", "GET /api/v2/organizations/{organization}/templates/{templatename}"];

/** useChanged makes everything that shows the template or its versions be asked for again. */
export function useChanged() {
  const client = useQueryClient();
  return () =>
    Promise.all(
      [
        ...changed,
        "GET /api/v2/templates/{template}/versions",
        "GET /api/v2/templates/{template}/versions/{templateversionname}",
        "GET /api/v2/templateversions/{templateversion}",
      ].map((key) => client.invalidateQueries({ queryKey: [key] })),
    );
}

/** usePromote makes a version the active one. */
export function usePromote(template: Template, onDone?: () => void) {
  const refresh = useChanged();
  return useMutation({
    mutationFn: (version: TemplateVersion) =>
      request("PATCH /api/v2/templates/{template}/versions", {
        path: { template: template.id },
        body: { id: version.id },
      }),
    onSuccess: async (_, version) => {
      toast({ tone: "ok", title: words.promoted(version.name) });
      onDone?.();
      await refresh();
    },
    onError: (error) => toastError(words.promoteFailed, error),
  });
}

/** useArchive archives a version, or brings it back. */
export function useArchive() {
  const refresh = useChanged();
  return useMutation({
    mutationFn: (version: TemplateVersion) =>
      request(
        version.archived
          ? "POST /api/v2/templateversions/{templateversion}/unarchive"
          : "POST /api/v2/templateversions/{templateversion}/archive",
        { path: { templateversion: version.id } },
      ),
    onSuccess: async (_, version) => {
      toast({
        tone: "ok",
        title: version.archived ? words.unarchivedDone(version.name) : words.archivedDone(version.name),
      });
      await refresh();
    },
    onError: (error) => toastError(words.archiveFailed, error),
  });
}

/** refusalOf says why a version cannot be made active; undefined where it can. */
export function refusalOf(template: Template, version: TemplateVersion): string | undefined {
  if (version.id === template.active_version_id) return words.isActive;
  if (version.archived) return words.archivedNoActive;
  return version.job.status === "succeeded" ? undefined : words.notActiveYet;
}
