import type { Workspace } from "@/api/generated";
import { Empty } from "@/ui/bits";
import { Rebuild } from "./rebuild";
import { words } from "./texts";

/** Parameters are the values of the last build; others are asked for, looked at, and built. */
export function Parameters({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  if (build.status === "deleted") return <Empty title={words.deletedTitle} text={words.deletedText} />;
  return <Rebuild workspace={workspace} version={build.template_version_id} />;
}
