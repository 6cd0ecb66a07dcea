export default function TemplateDocs() {
  return null;
}
