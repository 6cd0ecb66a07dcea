export default function AccountAppearance() {
  return null;
}
