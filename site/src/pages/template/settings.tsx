export default function TemplateSettings() {
  return null;
}
