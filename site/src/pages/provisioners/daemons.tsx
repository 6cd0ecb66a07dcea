export default function ProvisionersDaemons() {
  return null;
}
