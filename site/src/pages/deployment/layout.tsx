import { linkOptions } from "@tanstack/react-router";
import { Sided } from "@/components/sided";

const links = linkOptions([
  { to: "/deployment/overview", label: "Settings" },
  { to: "/deployment/users", label: "Users" },
  { to: "/health", label: "Health" },
  { to: "/audit", label: "Audit log" },
  { to: "/connectionlog", label: "Connection log" },
  { to: "/deployment/licenses", label: "What is included" },
]);

export default function DeploymentLayout() {
  return <Sided label="Deployment" links={links} />;
}
