export default function ProvisionersKeys() {
  return null;
}
