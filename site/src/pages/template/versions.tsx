export default function TemplateVersions() {
  return null;
}
