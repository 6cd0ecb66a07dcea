import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { readArchive } from "@/api/client";
import { read } from "@/api/queries";
import { PageError } from "@/components/pagestates";
import { useVersion } from "@/components/versionbuild";
import { readFiles } from "@/lib/archive";
import { Skeleton } from "@/ui/bits";
import { Editor } from "./editor";
import { filesOf } from "./model";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/versions/$version/edit");

/** The page fetches a version with its files. What was built here before a reload is in the URL. */
export default function EditorPage() {
  const { organization, template: name, version: versionName } = route.useParams();
  const search = route.useSearch();
  const [first] = useState(search.build);
  const template = useQuery(
    read("GET /api/v2/organizations/{organization}/templates/{templatename}", {
      path: { organization, templatename: name },
    }),
  );
  const opened = useQuery(
    read("GET /api/v2/organizations/{organization}/templates/{templatename}/versions/{templateversionname}", {
      path: { organization, templatename: name, templateversionname: versionName },
    }),
  );
  const built = useVersion(first);
  const base = first && !built.isError ? built.data : opened.data;
  const file = base?.job.file_id;
  const files = useQuery({
    queryKey: ["GET /api/v2/files/{fileID}", file, "files"],
    enabled: Boolean(file),
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const { bytes } = await readArchive(file!, signal);
      return filesOf(await readFiles(bytes as Uint8Array<ArrayBuffer>));
    },
  });
  const error = template.error ?? opened.error ?? files.error;
  if (error) return <PageError error={error} />;
  if (!template.data || !opened.data || !files.data || !base) {
    return (
      <div role="status" aria-label={words.loading} className="grid gap-4 p-4 lg:grid-cols-[13rem_1fr_24rem]">
        <Skeleton className="h-64 max-lg:h-10" />
        <Skeleton className="h-96" />
        <Skeleton className="h-64" />
      </div>
    );
  }
  return (
    <Editor
      key={opened.data.id}
      template={template.data}
      opened={opened.data}
      loaded={{ version: base.id, files: files.data }}
    />
  );
}
