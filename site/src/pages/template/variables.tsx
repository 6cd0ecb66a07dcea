export default function TemplateVariables() {
  return null;
}
