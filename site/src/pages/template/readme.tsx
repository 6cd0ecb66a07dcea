export default function TemplateReadme() {
  return null;
}
