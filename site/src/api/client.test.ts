// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { ApiError, address, onExpired, request } from "./client";
import { Connection } from "./connection";
import { append, emptyLog } from "./logs";

function answers(status: number, body: string, headers: Record<string, string> = {}) {
  const fetched = vi.fn(
    async (_url: string, _init: RequestInit) => new Response(status === 204 ? null : body, { status, headers }),
  );
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  onExpired(() => {});
});

describe("address", () => {
  test("puts parameters where they belong, whatever they hold", () => {
    const path = { user: "a/../b?c", workspacename: "x y" };
    expect(address("GET /api/v2/users/{user}/workspace/{workspacename}", { path })).toBe(
      "/api/v2/users/a%2F..%2Fb%3Fc/workspace/x%20y",
    );
    expect(address("GET /api/v2/workspaces", { query: { q: "owner:me a&b", limit: undefined } })).toBe(
      "/api/v2/workspaces?q=owner%3Ame+a%26b",
    );
  });
  test("refuses to ask without a parameter of the path", () => {
    expect(() => address("GET /api/v2/users/{user}", { path: { user: "" } })).toThrow("needs user");
  });
});

describe("request", () => {
  test("sends JSON and reads JSON", async () => {
    const fetched = answers(201, '{"key":"k"}');
    expect(await request("POST /api/v2/users/{user}/keys", { path: { user: "me" } })).toEqual({ key: "k" });
    expect(fetched.mock.calls[0]![1].method).toBe("POST");
    expect(fetched.mock.calls[0]![1].body).toBeUndefined();
  });
  test("an error keeps its fields and the request id", async () => {
    answers(400, '{"code":"invalid","message":"no","validations":[{"field":"name","detail":"too long"}]}', {
      "X-Coder-Request-Id": "r-1",
    });
    const error = await request("GET /api/v2/templates").catch((e) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect([error.status, error.code, error.message, error.requestId, error.field("name"), error.field("x")]).toEqual([
      400,
      "invalid",
      "no",
      "r-1",
      "too long",
      undefined,
    ]);
  });
  test("an answer of something on the way is an error too", async () => {
    answers(502, "<html>Bad gateway</html>");
    const error = await request("GET /api/v2/templates").catch((e) => e);
    expect(error.message).toContain("502");
    answers(200, "<html>sign in to the wifi</html>");
    expect((await request("GET /api/v2/templates").catch((e) => e)).message).toContain("no JSON");
  });
  test("nothing is read from 204", async () => {
    answers(204, "");
    expect(await request("GET /api/v2/templates")).toBeUndefined();
  });
  test("401 ends the session, but not at the login", async () => {
    const expired = vi.fn();
    onExpired(expired);
    answers(401, '{"message":"Sign in first."}');
    await expect(request("GET /api/v2/templates")).rejects.toThrow("Sign in first.");
    expect(expired).toHaveBeenCalledTimes(1);
    await expect(request("POST /api/v2/users/login", { body: { email: "a", password: "b" } })).rejects.toThrow();
    expect(expired).toHaveBeenCalledTimes(1);
  });
});

describe("Connection", () => {
  test("is lost, probes with growing pauses, and is back", async () => {
    vi.useFakeTimers();
    let there = false;
    const probe = vi.fn(async () => there);
    const c = new Connection(probe);
    const seen: string[] = [];
    const back = vi.fn();
    c.subscribe(() => seen.push(c.current()));
    c.onBack(back);
    c.worked();
    c.failed();
    c.failed();
    await vi.advanceTimersByTimeAsync(500);
    expect(probe).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(probe).toHaveBeenCalledTimes(2);
    there = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(c.current()).toBe("back");
    expect(back).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual(["lost", "back", "fine"]);
    expect(probe).toHaveBeenCalledTimes(3);
  });
});

describe("append", () => {
  const line = (id: number) => ({ id, at: "", level: "info", group: "", text: String(id) });
  test("takes each line once, in order, and no more than the limit", () => {
    let log = append(emptyLog, [line(1), line(2)], 3);
    expect(append(log, [line(1), line(2)], 3)).toBe(log);
    log = append(log, [line(2), line(3), line(4)], 3);
    expect([log.lines.map((l) => l.id), log.dropped]).toEqual([[2, 3, 4], 1]);
  });
});
