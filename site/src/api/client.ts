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

/** ask sends a request and returns an answer that is no error, or throws an ApiError. */
async function ask(
  endpoint: Endpoint,
  call: { path?: object; query?: object; signal?: AbortSignal },
  init: RequestInit,
) {
  const limit = AbortSignal.timeout(patience);
  let response: globalThis.Response;
  try {
    response = await fetch(basePath + address(endpoint, call), {
      ...init,
      method: endpoint.slice(0, endpoint.indexOf(" ")),
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
  return response;
}

/** request asks the server. It throws an ApiError; a 401 also ends the session of the page. */
export async function request<K extends Endpoint>(endpoint: K, ...[given]: Args<K>): Promise<Endpoints[K]["response"]> {
  const call: { path?: object; query?: object; body?: unknown; signal?: AbortSignal } = given ?? {};
  const headers: Record<string, string> = { Accept: "application/json" };
  if (call.body !== undefined) headers["Content-Type"] = "application/json";
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const response = await ask(endpoint, call, { headers, body });
  if (response.status === 204) return undefined as Endpoints[K]["response"];
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

/** readArchive fetches the bytes of an archive of a template, and says of which type they are. */
export async function readArchive(id: string, signal?: AbortSignal): Promise<{ bytes: Uint8Array; type: string }> {
  const response = await ask("GET /api/v2/files/{fileID}", { path: { fileID: id }, signal }, {});
  return { bytes: new Uint8Array(await response.arrayBuffer()), type: response.headers.get("Content-Type") ?? "" };
}

/** uploadArchive stores an archive and returns its id, which a new version of a template names as file_id. */
export async function uploadArchive(bytes: Uint8Array<ArrayBuffer>, type = "application/x-tar"): Promise<string> {
  const response = await ask("POST /api/v2/files", {}, { headers: { "Content-Type": type }, body: new Blob([bytes]) });
  return ((await response.json()) as Endpoints["POST /api/v2/files"]["response"]).hash;
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
