export default function OrganizationGroups() {
  return null;
}
