export default function OrganizationMembers() {
  return null;
}
