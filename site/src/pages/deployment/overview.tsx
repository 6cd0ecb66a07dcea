export default function DeploymentOverview() {
  return null;
}
