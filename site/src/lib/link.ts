/**
 * safeLink returns a URL that a page may lead to, or undefined. Templates write such
 * URLs: editors have schemes of their own, but what runs as script is refused.
 */
export function safeLink(text: string | undefined): string | undefined {
  if (!text || text.length > 8192) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const refused = ["javascript:", "data:", "vbscript:", "blob:", "file:", "about:", "view-source:", "filesystem:"];
  return refused.includes(url.protocol) ? undefined : url.href;
}

/** isWeb says that a link is one of the web, to which no token is ever given. */
export function isWeb(href: string): boolean {
  return /^https?:/i.test(href);
}

/** wildcardLink puts name into a wildcard host like "*.apps.example.com". */
export function wildcardLink(host: string, name: string, protocol: string): string | undefined {
  return host.includes("*") && name ? `${protocol}//${host.replace("*", name)}/` : undefined;
}
