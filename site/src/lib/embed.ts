/** workspaceLink is where the form for a new workspace stands, with values filled in. It makes nothing by itself. */
export function workspaceLink(
  base: string,
  organization: string,
  template: string,
  name: string,
  values: Readonly<Record<string, string>>,
): string {
  const path = [organization, template].map(encodeURIComponent).join("/");
  const query = new URLSearchParams({ mode: "manual" });
  if (name) query.set("name", name);
  for (const [key, value] of Object.entries(values)) query.set(`param.${key}`, value);
  return `${base}/templates/${path}/workspace?${query}`;
}

/** markdownBadge is a picture that leads to link, in Markdown. */
export function markdownBadge(base: string, link: string, alt: string): string {
  // A bracket in a link ends it.
  const safe = link.replaceAll("(", "%28").replaceAll(")", "%29");
  return `[![${alt}](${base}/open-in-coder.svg)](${safe})`;
}

/** htmlBadge is the same in HTML. */
export function htmlBadge(base: string, link: string, alt: string): string {
  const text = (value: string) => value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<a href="${text(link)}"><img alt="${text(alt)}" src="${text(base)}/open-in-coder.svg"></a>`;
}
