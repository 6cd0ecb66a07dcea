import { useQuery } from "@tanstack/react-query";
import { getRouteApi, linkOptions } from "@tanstack/react-router";
import { read } from "@/api/queries";
import { PageError, PagePending } from "@/components/pagestates";
import { Sided } from "@/components/sided";
import { Switcher } from "./switcher";

const route = getRouteApi("/in/organizations/$organization");

export default function OrganizationLayout() {
  const params = route.useParams();
  const { data, error } = useQuery(
    read("GET /api/v2/organizations/{organization}", { path: { organization: params.organization } }),
  );
  if (!data) return error ? <PageError error={error} /> : <PagePending />;
  const links = linkOptions([
    { to: "/organizations/$organization", params, label: "Members", exact: true },
    { to: "/organizations/$organization/groups", params, label: "Groups" },
    { to: "/organizations/$organization/roles", params, label: "Roles" },
    { to: "/organizations/$organization/provisioners", params, label: "Provisioners" },
    { to: "/organizations/$organization/provisioner-jobs", params, label: "Jobs" },
    { to: "/organizations/$organization/provisioner-keys", params, label: "Keys" },
    { to: "/organizations/$organization/settings", params, label: "Settings" },
  ]);
  return <Sided label="Organization" links={links} head={<Switcher organization={data} />} />;
}
