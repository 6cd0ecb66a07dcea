export default function TemplateFiles() {
  return null;
}
