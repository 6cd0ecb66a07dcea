/**
 * backTo is where somebody goes after signing in. Only a path of this very origin is
 * taken, whatever text came in the URL; else "/".
 */
export function backTo(text: string | undefined, origin: string): string {
  // A browser drops tabs and new lines and reads \ as /, so they are refused as they are.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (!text || text.length > 4096 || !/^\/(?![/\\])/.test(text) || /[\u0000-\u0020\\]/.test(text)) return "/";
  let url: URL;
  try {
    url = new URL(text, origin);
  } catch {
    return "/";
  }
  const own = url.origin === origin && !/^\/\//.test(url.pathname);
  const path = url.pathname.replace(/\/+$/, "");
  if (!own || path.endsWith("/login") || path.endsWith("/setup")) return "/";
  return url.pathname + url.search + url.hash;
}

/** leavesPages says that a path is served by the server itself, not by a page of ours. */
export function leavesPages(path: string): boolean {
  return /\/(api|external-auth|gitauth|swagger|bin)\//.test(path.split(/[?#]/)[0] ?? "");
}
