export default function OrganizationSettings() {
  return null;
}
