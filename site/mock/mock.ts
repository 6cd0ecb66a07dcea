import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { accounts } from "./account";
import { admin } from "./admin";
import { agentSockets, agents } from "./agents";
import { authcheck } from "./authcheck";
import { buildSockets, builds } from "./builds";
import { creation, creationSockets } from "./creation";
import { deployment } from "./deployment";
import { groups } from "./groups";
import { type Handlers, Refusal, type Sockets } from "./handler";
import { importSockets, imports } from "./imports";
import { organizations } from "./organizations";
import { over } from "./over";
import { plans } from "./plans";
import { provisioners } from "./provisioners";
import { sharing } from "./sharing";
import type { Store } from "./store";
import { templateDocs } from "./templatedocs";
import { templates } from "./templates";
import { templating, templatingSockets } from "./templating";
import { terminalSockets, terminals } from "./terminals";
import { useradmin } from "./useradmin";
import { users } from "./users";
import { workspaceSockets, workspaces } from "./workspaces";

const handlers: Handlers = over<Handlers>(
  useradmin,
  organizations,
  groups,
  accounts,
  provisioners,
  imports,
  templating,
  creation,
  templateDocs,
  plans,
  sharing,
  authcheck,
  users,
  templates,
  workspaces,
  builds,
  terminals,
  agents,
  deployment,
  admin,
);
const sockets: Sockets = over<Sockets>(
  importSockets,
  templatingSockets,
  creationSockets,
  workspaceSockets,
  buildSockets,
  agentSockets,
  terminalSockets,
);

const open = new Set([
  "GET /api/v2/buildinfo",
  "GET /api/v2/users/first",
  "POST /api/v2/users/first",
  "POST /api/v2/users/login",
  "GET /api/v2/users/authmethods",
]);

/** match finds the endpoint of a path: of several the one with the fewest parameters. */
function match(table: object, method: string, pathname: string) {
  let best: { key: string; path: Record<string, string> } | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const key of Object.keys(table)) {
    const [m, pattern = ""] = key.split(" ");
    if (m !== method) continue;
    const names: string[] = [];
    const source = pattern.replace(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return "([^/]+)";
    });
    const found = names.length < fewest && new RegExp(`^${source}$`).exec(pathname);
    if (!found) continue;
    fewest = names.length;
    best = { key, path: Object.fromEntries(names.map((n, i) => [n, decodeURIComponent(found[i + 1]!)])) };
  }
  return best;
}

function session(req: IncomingMessage): string {
  return /(?:^|; )coder_session_token=([^;]+)/.exec(req.headers.cookie ?? "")?.[1] ?? "";
}

let requests = 0;

function prepare(store: Store, table: object, req: IncomingMessage) {
  const url = new URL(req.url ?? "/", "http://mock");
  const found = match(table, req.method ?? "GET", url.pathname);
  if (!found) throw new Refusal(404, { code: "not_found", message: `The mock has no ${req.method} ${url.pathname}.` });
  const token = session(req);
  const user = store.users.find((u) => u.id === store.sessions.get(token));
  if (!user && !open.has(found.key)) throw new Refusal(401, { code: "unauthenticated", message: "Sign in first." });
  if (store.failing.has(found.key))
    throw new Refusal(500, { code: "internal", message: "The server has failed. Its log has the cause." });
  const refusal = store.refusing.get(found.key);
  if (refusal) throw refusal;
  return { ...found, query: Object.fromEntries(url.searchParams), user, session: token };
}

async function readBody(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = req.headers["content-type"] ?? "application/json";
  if (!type.startsWith("application/json")) return new Blob([bytes], { type });
  return bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined;
}

/** answer serves a request of the API. */
export async function answer(store: Store, req: IncomingMessage, res: ServerResponse) {
  const id = `mock-${String(++requests).padStart(6, "0")}`;
  const write = (status: number, body: unknown) => {
    res.writeHead(status, { "Content-Type": "application/json", "X-Coder-Request-Id": id });
    res.end(body === undefined ? undefined : JSON.stringify(body));
  };
  try {
    const call = prepare(store, handlers, req);
    const body = await readBody(req);
    const run = handlers[call.key as keyof Handlers] as (c: unknown) => unknown;
    const result = run({ ...call, body, store, setCookie: (value: string) => res.setHeader("Set-Cookie", value) });
    if (result instanceof Blob) {
      res.writeHead(200, { "Content-Type": result.type, "X-Coder-Request-Id": id });
      res.end(Buffer.from(await result.arrayBuffer()));
    } else write(req.method === "POST" ? 201 : 200, result);
  } catch (error) {
    if (error instanceof Refusal) write(error.status, { ...error.body, request_id: id });
    else write(500, { code: "internal", message: String(error), request_id: id });
  }
}

const upgrader = new WebSocketServer({ noServer: true });

/** upgrade serves a websocket of the API. */
export function upgrade(store: Store, req: IncomingMessage, socket: Duplex, head: Buffer) {
  let call: ReturnType<typeof prepare>;
  try {
    call = prepare(store, sockets, req);
  } catch (error) {
    socket.end(`HTTP/1.1 ${error instanceof Refusal ? error.status : 500} Refused\r\nConnection: close\r\n\r\n`);
    return;
  }
  upgrader.handleUpgrade(req, socket, head, (ws: WebSocket) => {
    const run = sockets[call.key as keyof Sockets] as (c: unknown) => () => void;
    const leave = run({
      ...call,
      store,
      send: (said: unknown) => ws.send(JSON.stringify(said)),
      end: () => ws.close(1000),
      raw: ws,
    });
    const leaveWithSession = () => store.sessions.has(call.session) || ws.close(1001);
    store.changed.add(leaveWithSession);
    ws.on("close", () => {
      store.changed.delete(leaveWithSession);
      leave();
    });
  });
}
