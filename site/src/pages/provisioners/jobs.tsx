export default function ProvisionersJobs() {
  return null;
}
