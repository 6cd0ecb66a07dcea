/** Place is what the URL says: which terminal, and what runs in it when it is new. */
export interface Place {
  owner: string;
  workspace: string;
  /** "" is the only agent, or the first one. */
  agent: string;
  /** The id of the terminal: the same one comes back to it. */
  reconnect: string;
  command: string;
  /** app is the slug of an application whose command runs. */
  app: string;
  container: string;
  containerUser: string;
  screenReader: boolean;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** readPlace reads /@owner/workspace[.agent]/terminal?…; the path is the one below the base path. */
export function readPlace(path: string, search: string): Place {
  const [, owner = "", name = ""] = /^\/(?:@|%40)([^/]+)\/([^/]+)\/terminal\/?$/i.exec(path) ?? [];
  const [workspace = "", ...agent] = decode(name).split(".");
  const query = new URLSearchParams(search);
  const reconnect = query.get("reconnect") ?? "";
  return {
    owner: decode(owner),
    workspace,
    agent: agent.join("."),
    reconnect: uuid.test(reconnect) ? reconnect.toLowerCase() : "",
    command: query.get("command") ?? "",
    app: query.get("app") ?? "",
    container: query.get("container") ?? "",
    containerUser: query.get("container_user") ?? "",
    screenReader: /^(1|true)$/.test(query.get("screen_reader") ?? ""),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** newId makes the id of a terminal; crypto.randomUUID exists on https alone. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** keepId writes the id into the URL, so that a reload and a copied link come back to the terminal. */
export function keepId(id: string) {
  const url = new URL(window.location.href);
  url.searchParams.set("reconnect", id);
  window.history.replaceState(null, "", url);
}
