import { basePath } from "./base";
import { connection } from "./connection";
import type { Endpoints, ValidationError } from "./generated";

/** A failure that the server has said, or that the way to it has (code "unreachable"). */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string,
    readonly validations: ValidationError[],
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** field returns what is wrong with one field of a form. */
  field(name: string): string | undefined {
    return this.validations.find((v) => v.field === name || v.field.endsWith(`.${name}`))?.detail;
  }
}

export type Endpoint = keyof Endpoints;
type Needed<K extends string, T> = Record<never, never> extends T ? { [P in K]?: T } : { [P in K]: T };
type Body<T> = [T] extends [undefined] ? { body?: undefined } : { body: T };

/** The parameters of an endpoint's path and query. */
export type Place<K extends Endpoint> = Needed<"path", Endpoints[K]["path"]> & Needed<"query", Endpoints[K]["query"]>;

/** What a call takes: its parameters and a body, as the endpoint says. */
export type Call<K extends Endpoint> = Place<K> & Body<Endpoints[K]["body"]> & { signal?: AbortSignal };

type Args<K extends Endpoint> = Record<never, never> extends Call<K> ? [call?: Call<K>] : [call: Call<K>];

/** Longer than this, in milliseconds, and a request has failed. */
const patience = 60_000;

let expired: () => void = () => {};

/** onExpired says what to do when the session has ended; main.tsx calls it once. */
export function onExpired(handler: () => void) {
  expired = handler;
}

/** address puts the parameters of a call into the path of its endpoint. */
export function address(endpoint: Endpoint, call: { path?: object; query?: object }): string {
  const values = (call.path ?? {}) as Record<string, string>;
  const path = endpoint.slice(endpoint.indexOf(" ") + 1).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (!value) throw new Error(`${endpoint} needs ${name}`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** request asks the server. It throws an ApiError; a 401 also ends the session of the page. */
export async function request<K extends Endpoint>(endpoint: K, ...[given]: Args<K>): Promise<Endpoints[K]["response"]> {
  const call: { path?: object; query?: object; body?: unknown; signal?: AbortSignal } = given ?? {};
  const method = endpoint.slice(0, endpoint.indexOf(" "));
  const headers: Record<string, string> = { Accept: "application/json" };
  const raw = call.body instanceof Blob ? call.body : undefined;
  if (call.body !== undefined) headers["Content-Type"] = raw ? raw.type : "application/json";
  const limit = AbortSignal.timeout(patience);
  let response: globalThis.Response;
  try {
    response = await fetch(basePath + address(endpoint, call), {
      method,
      headers,
      body: raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body)),
      credentials: "same-origin",
      redirect: "error",
      signal: call.signal ? AbortSignal.any([call.signal, limit]) : limit,
    });
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    if (!limit.aborted) connection.failed();
    const message = limit.aborted ? "The server did not answer in time." : "The server cannot be reached.";
    throw new ApiError(message, 0, "unreachable", "", "", []);
  }
  connection.worked();
  if (!response.ok) {
    const error = await readError(response);
    if (error.status === 401 && endpoint !== "POST /api/v2/users/login") expired();
    throw error;
  }
  if (response.status === 204) return undefined as Endpoints[K]["response"];
  // Archives come as they are.
  if (/^application\/(x-tar|zip)\b/.test(response.headers.get("Content-Type") ?? "")) {
    return (await response.blob()) as Endpoints[K]["response"];
  }
  const text = await response.text();
  try {
    return (text ? JSON.parse(text) : undefined) as Endpoints[K]["response"];
  } catch {
    throw new ApiError(
      "The server's answer is no JSON.",
      response.status,
      "internal",
      "",
      response.headers.get("X-Coder-Request-Id") ?? "",
      [],
    );
  }
}

async function readError(response: globalThis.Response): Promise<ApiError> {
  const header = response.headers.get("X-Coder-Request-Id") ?? "";
  const text = await response.text().catch(() => "");
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const validations = Array.isArray(body.validations) ? (body.validations as ValidationError[]) : [];
    const word = (key: string) => (typeof body[key] === "string" ? (body[key] as string) : "");
    if (word("message")) {
      return new ApiError(
        word("message"),
        response.status,
        word("code"),
        word("detail"),
        word("request_id") || header,
        validations,
      );
    }
  } catch {
    // A proxy on the way answers with pages of its own.
  }
  return new ApiError(
    `The server answered ${response.status} ${response.statusText}.`.replace(" .", "."),
    response.status,
    "",
    "",
    header,
    [],
  );
}
