export default function DeploymentIncluded() {
  return null;
}
