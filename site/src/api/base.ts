/** The path below which the server is, "" for most: an access URL may have one. */
export const basePath = new URL(document.baseURI).pathname.replace(/\/+$/, "");

/** socketURL is the address of a websocket of the API. */
export function socketURL(path: string): string {
  const url = new URL(basePath + path, window.location.origin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
