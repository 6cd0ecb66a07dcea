import { useDeploymentPages } from "@/components/nav";
import { Sided } from "@/components/sided";
import { words } from "./texts";

export default function DeploymentLayout() {
  return <Sided label={words.area} links={useDeploymentPages()} />;
}
