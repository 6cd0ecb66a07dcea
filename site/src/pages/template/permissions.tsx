export default function TemplatePermissions() {
  return null;
}
