export default function OrganizationRoles() {
  return null;
}
