import { keepPreviousData, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { Template } from "@/api/generated";
import { me, read, template as templateQuery } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useMay } from "@/components/may";
import { plain } from "@/lib/plain";
import { Avatar, Skeleton } from "@/ui/bits";
import { ErrorBox } from "@/ui/errorbox";
import { CreateForm } from "./form";
import { useLink } from "./link";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/workspace");

/** CreatePage asks what a new workspace shall be like, and makes it when its button is pressed. */
export default function CreatePage() {
  const { organization, template: name } = route.useParams();
  const { data: template } = useSuspenseQuery(templateQuery(organization, name));
  const title = plain(template.display_name || template.name, 64);
  return (
    <div className="mx-auto flex w-full max-w-xl flex-col gap-5 px-3 py-4 sm:px-0 sm:py-8">
      <header className="flex items-center gap-4">
        <Avatar name={title} src={template.icon} square size={40} />
        <div className="min-w-0 flex-1">
          <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
          <p className="truncate text-muted">{words.from(title)}</p>
        </div>
      </header>
      {template.deprecated ? (
        <ErrorBox title={words.deprecated} message={plain(template.deprecation_message, 1000)} />
      ) : null}
      <Loaded template={template} />
    </div>
  );
}

/** Loaded waits for what the first sight of the form depends on: who asks, and the presets. */
function Loaded({ template }: { template: Template }) {
  const link = useLink();
  const [picked, setPicked] = useState<string>();
  const user = useQuery(me());
  const versions = useQuery(
    read("GET /api/v2/templates/{template}/versions", { path: { template: template.id }, query: { limit: 100 } }),
  );
  const can = useMay({
    change: { action: "update", object: { resource_type: "template", resource_id: template.id } },
  });
  const free = !template.require_active_version || can.change === true;
  const usable = (versions.data ?? []).filter(
    (v) => v.job.status === "succeeded" && !v.archived && (free || v.id === template.active_version_id),
  );
  const wanted = link.version;
  const linked = usable.find((v) => wanted && (v.name === wanted || v.id === wanted));
  const version = picked ?? linked?.id ?? template.active_version_id;
  const presets = useQuery({
    ...read("GET /api/v2/templateversions/{templateversion}/presets", { path: { templateversion: version } }),
    placeholderData: keepPreviousData, // the form stays while another version is chosen
  });
  const error = user.error ?? presets.error;
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void presets.refetch()} />;
  if (!user.data || !presets.data || versions.isPending) return <Skeleton className="h-96" />;
  return (
    <CreateForm
      template={template}
      version={version}
      versions={usable}
      onVersion={setPicked}
      presets={presets.data}
      user={user.data}
      link={link}
      lostVersion={wanted && !linked && !picked ? wanted : undefined}
    />
  );
}
