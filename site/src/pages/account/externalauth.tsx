export default function AccountExternalauth() {
  return null;
}
