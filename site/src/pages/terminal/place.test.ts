import { describe, expect, test } from "vitest";
import { newId, readPlace } from "./place";

const id = "11111111-1111-4111-8111-111111111111";

describe("readPlace", () => {
  test("reads the path and the query", () => {
    const p = readPlace(
      "/@alice/dev.main/terminal",
      `?reconnect=${id.toUpperCase()}&command=htop%20-d&container=db&container_user=me`,
    );
    expect(p).toMatchObject({ owner: "alice", workspace: "dev", agent: "main", reconnect: id, command: "htop -d" });
    expect(p).toMatchObject({ container: "db", containerUser: "me", app: "", screenReader: false });
    expect(readPlace("/%40alice/dev/terminal/", "")).toMatchObject({ owner: "alice", workspace: "dev", agent: "" });
  });
  test("an id that is none is not used", () => {
    expect(readPlace("/@a/b/terminal", "?reconnect=%3Cscript%3E").reconnect).toBe("");
    expect(readPlace("/@a%ZZ/b/terminal", "").owner).toBe("a%ZZ");
    expect(readPlace("/elsewhere", "")).toMatchObject({ owner: "", workspace: "" });
  });
});

test("newId makes UUIDs of version 4", () => {
  expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newId()).not.toBe(newId());
});
