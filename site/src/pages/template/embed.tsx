export default function TemplateEmbed() {
  return null;
}
