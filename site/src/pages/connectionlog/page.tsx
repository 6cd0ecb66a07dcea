export default function ConnectionlogPage() {
  return null;
}
