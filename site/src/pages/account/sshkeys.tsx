export default function AccountSshkeys() {
  return null;
}
