import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { Sided } from "@/components/sided";

const route = getRouteApi("/in/organizations/$organization");

export default function OrganizationLayout() {
  const params = route.useParams();
  const links = linkOptions([
    { to: "/organizations/$organization", params, label: "Members", exact: true },
    { to: "/organizations/$organization/groups", params, label: "Groups" },
    { to: "/organizations/$organization/roles", params, label: "Roles" },
    { to: "/organizations/$organization/provisioners", params, label: "Provisioners" },
    { to: "/organizations/$organization/provisioner-jobs", params, label: "Jobs" },
    { to: "/organizations/$organization/provisioner-keys", params, label: "Keys" },
    { to: "/organizations/$organization/settings", params, label: "Settings" },
  ]);
  return <Sided label="Organization" links={links} />;
}
