export default function AccountSecurity() {
  return null;
}
