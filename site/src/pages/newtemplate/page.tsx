import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { read } from "@/api/queries";
import { Skeleton } from "@/ui/bits";
import { ErrorBox } from "@/ui/errorbox";
import { Form, type From } from "./form";
import { Gallery } from "./gallery";
import { scratch } from "./scratch";
import type { Upload } from "./source";
import { words } from "./texts";

const route = getRouteApi("/in/templates/new");

/** The page makes a template: from a starter, from what a person brings, or from nothing. */
export default function NewTemplatePage() {
  const { from } = route.useSearch();
  const navigate = route.useNavigate();
  const [upload, setUpload] = useState<Upload>();
  const examples = useQuery(read("GET /api/v2/templates/examples"));
  const start = (next: string) => void navigate({ search: (old) => ({ ...old, from: next }) });
  const back = () => void navigate({ search: (old) => ({ ...old, from: undefined }) });
  let chosen: From | undefined;
  if (from === "scratch") chosen = { label: words.scratch, name: "", source: { files: scratch }, toEditor: true };
  else if (from === "upload" && upload) {
    const label = `${upload.label}, ${words.fileCount(upload.files)}`;
    chosen = { label, name: upload.label.replace(/\.(tar|tgz|zip|tar\.gz)$/i, ""), source: upload.source };
  } else if (from && from !== "upload") {
    const found = examples.data?.find((e) => e.id === from);
    if (found) {
      chosen = {
        label: found.name,
        name: found.id,
        displayName: found.name,
        description: found.description,
        icon: found.icon,
        source: { example: found.id },
      };
    } else if (examples.isPending) return <Skeleton className="m-6 h-40" />;
  }
  return (
    <div className="mx-auto flex w-full max-w-5xl flex-col gap-6 px-3 py-4 sm:px-6 sm:py-6">
      <header>
        <h1 className="font-semibold text-[1.25rem] leading-7">{words.title}</h1>
        <p className="text-muted">{words.lead}</p>
      </header>
      {from && !chosen && from !== "upload" && examples.data ? <ErrorBox message={words.unknown(from)} /> : null}
      {chosen ? (
        <Form key={`${from}-${upload?.label}`} from={chosen} onBack={back} />
      ) : (
        <Gallery
          examples={examples}
          onStart={start}
          onUpload={(taken) => {
            setUpload(taken);
            start("upload");
          }}
        />
      )}
    </div>
  );
}
