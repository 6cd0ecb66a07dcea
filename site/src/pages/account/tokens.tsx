export default function AccountTokens() {
  return null;
}
