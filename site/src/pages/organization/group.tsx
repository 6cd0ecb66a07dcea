export default function OrganizationGroup() {
  return null;
}
