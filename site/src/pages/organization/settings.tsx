import { useMay } from "@/components/may";
import { DefaultRoles } from "./defaultroles";
import { DeleteOrganization } from "./deleteorganization";
import { General } from "./general";
import { useOrganization } from "./organization";
import { Quota } from "./quota";
import { Sharing } from "./sharing";
import { settingsWords as words } from "./texts";

export default function OrganizationSettings() {
  const organization = useOrganization();
  const object = { resource_type: "organization", resource_id: organization.id };
  const can = useMay({
    update: { action: "update", object },
    delete: { action: "delete", object },
    group: { action: "update", object: { resource_type: "group", organization_id: organization.id } },
  });
  const stored = [organization.name, organization.display_name, organization.description, organization.icon];
  return (
    <>
      <h1 className="font-semibold text-lg tracking-tight">{words.title}</h1>
      <div className="flex max-w-2xl flex-col gap-5">
        <General key={stored.join(" ")} organization={organization} allowed={can.update} />
        <DefaultRoles organization={organization} allowed={can.update} />
        <Sharing organization={organization} allowed={can.update} />
        <Quota organization={organization} allowed={can.group} />
        <DeleteOrganization organization={organization} allowed={can.delete} />
      </div>
    </>
  );
}
