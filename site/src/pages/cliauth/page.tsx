export default function CliauthPage() {
  return null;
}
