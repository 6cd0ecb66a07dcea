import type { WebSocket } from "ws";
import type { Endpoints, Error as ErrorBody, User } from "../src/api/generated";
import type { Store } from "./store";

/** What a handler gets. */
export interface Call<K extends keyof Endpoints> {
  store: Store;
  path: Endpoints[K]["path"];
  query: Partial<Record<string, string>>;
  body: Endpoints[K]["body"];
  /** user is who asks; only public endpoints have none. */
  user: User;
  session: string;
  setCookie: (value: string) => void;
}

/** Handlers of some endpoints. They stop compiling when the API moves. */
export type Handlers = { [K in keyof Endpoints]?: (call: Call<K>) => Endpoints[K]["response"] };

type Socketed = { [K in keyof Endpoints]: Endpoints[K] extends { socket: unknown } ? K : never }[keyof Endpoints];
type Said<K> = K extends keyof Endpoints ? (Endpoints[K] extends { socket: { server: infer T } } ? T : never) : never;

/** Sockets stream: send until the returned function is called; end says that all was said. raw is for what is no JSON. */
export type Sockets = {
  [K in Socketed]?: (call: Call<K> & { send: (said: Said<K>) => void; end: () => void; raw: WebSocket }) => () => void;
};

/** Refusal is an error answer. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
  ) {
    super(body.message);
  }
}

export const notFound = (what: string) =>
  new Refusal(404, { code: "not_found", message: `${what} not found, or you have no access to it.` });
export const invalid = (field: string, detail: string) =>
  new Refusal(400, { code: "invalid", message: `Invalid ${field}: ${detail}`, validations: [{ field, detail }] });
