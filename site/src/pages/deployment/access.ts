import { words } from "./texts";

function loopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || /^127\./.test(host) || host === "[::1]";
}

/** accessNotices say what is odd about the access URL; here is where the page itself is. */
export function accessNotices(accessURL: string, here: string): string[] {
  let url: URL;
  try {
    url = new URL(accessURL);
  } catch {
    return [];
  }
  const notices: string[] = [];
  if (loopback(url.hostname)) notices.push(words.loopbackNotice);
  else if (url.protocol !== "https:") notices.push(words.httpNotice);
  const own = url.origin + url.pathname.replace(/\/+$/, "");
  if (own !== here) notices.push(words.otherNotice(here));
  return notices;
}
