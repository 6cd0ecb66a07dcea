import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { CreateTemplateRequest, TemplateVersion } from "@/api/generated";
import { read } from "@/api/queries";
import { forgetTemplates, jobUnderWay, keepVersion, startVersion, type VersionWish } from "@/components/versionbuild";

/** BuildFailed ends the making: the page shows the job itself. */
class BuildFailed extends Error {}

/** ended waits for the import of a version. */
async function ended(client: QueryClient, id: string): Promise<TemplateVersion> {
  const query = read("GET /api/v2/templateversions/{templateversion}", { path: { templateversion: id } });
  for (;;) {
    const version = await client.fetchQuery({ ...query, staleTime: 400 });
    if (!jobUnderWay(version.job.status)) return version;
    await new Promise((done) => setTimeout(done, 500));
  }
}

interface Wish {
  version: VersionWish;
  template: Omit<CreateTemplateRequest, "template_version_id">;
}

/**
 * useMaking builds the first version and then creates the template. A version that is
 * built is kept: where only the template is refused, the next try needs no build.
 */
export function useMaking(onCreated: (version: TemplateVersion) => void) {
  const client = useQueryClient();
  const [built, setBuilt] = useState<{ id: string; of: string }>();
  const making = useMutation({
    mutationFn: async ({ version: wish, template }: Wish) => {
      const of = JSON.stringify([wish.organization, wish.tags, wish.variables]);
      let id = built?.of === of ? built.id : undefined;
      const before = id ? client.getQueryData<TemplateVersion>(versionKey(id))?.job.status : undefined;
      if (!id || before === "failed" || before === "canceled") {
        const started = await startVersion(wish);
        keepVersion(client, started);
        id = started.id;
        setBuilt({ id, of });
      }
      const version = await ended(client, id);
      if (version.job.status !== "succeeded") throw new BuildFailed();
      await request("POST /api/v2/organizations/{organization}/templates", {
        path: { organization: wish.organization },
        body: { ...template, template_version_id: id },
      });
      forgetTemplates(client);
      return version;
    },
  });
  return {
    /** Who leaves meanwhile gets the template all the same, and is not led to it. */
    make: (wish: Wish) => making.mutate(wish, { onSuccess: onCreated }),
    busy: making.isPending,
    /** error is what the server refused; a build that failed says so itself. */
    error: making.error instanceof BuildFailed ? undefined : (making.error ?? undefined),
    version: built?.id,
  };
}

const versionKey = (id: string) =>
  read("GET /api/v2/templateversions/{templateversion}", { path: { templateversion: id } }).queryKey;
