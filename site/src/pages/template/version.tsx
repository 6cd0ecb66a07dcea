export default function TemplateVersion() {
  return null;
}
