import { option, parameter } from "../../mock/creationstore";
import type { Look } from "../look";

const path = "/templates/default/docker/workspace";
const evil = '<img src=x onerror="alert(1)">\u001b[31m\u202e';

export const looks: Look[] = [
  {
    name: "create",
    path: `${path}?name=lucid-heron-42`,
    as: "alice",
    prepare: (store) => {
      store.creation.quota = { budget: 10, credits_consumed: 5 };
      store.creation.cost = 3;
    },
    ready: (p) => p.getByText("3 a day").waitFor(),
  },
  {
    name: "create-bottom",
    path: `${path}?name=lucid-heron-42`,
    as: "alice",
    prepare: (store) => {
      store.creation.quota = { budget: 10, credits_consumed: 9 };
      store.creation.cost = 3;
    },
    ready: async (p) => {
      await p.getByText("likely to be refused").waitFor();
      await p.getByRole("button", { name: "Create workspace" }).click();
      await p.getByText("have to be put right").waitFor();
      await p.getByRole("button", { name: "Create workspace" }).scrollIntoViewIfNeeded();
    },
  },
  {
    name: "create-link",
    path: `${path}?name=from-link&mode=auto&preset=Big&version=gone&param.go=1.20&param.team=core&param.cpus=99`,
    as: "alice",
    prepare: (store) => {
      store.creation.auth = [
        {
          id: "github",
          type: "github",
          display_name: "GitHub",
          display_icon: "",
          authenticate_url: "/external-auth/github",
          authenticated: false,
        },
        {
          id: "gitlab",
          type: "gitlab",
          display_name: "GitLab",
          display_icon: "",
          authenticate_url: "javascript:alert(1)",
          authenticated: true,
          optional: true,
        },
      ];
    },
    ready: (p) => p.getByText("Not asked for by the template").waitFor(),
  },
  {
    name: "create-hostile",
    path: `${path}?name=x`,
    as: "alice",
    prepare: (store) => {
      store.creation.presets = [];
      store.creation.parameters = () => [
        parameter("evil", "radio", "a", {
          display_name: `${evil} ${"long".repeat(60)}`,
          description: `${evil} [click](javascript:alert(1)) [ok](https://example.test) ${"x".repeat(100_000)}`,
          icon: "https://tracker.example/pixel.png",
          options: [option(evil, "a", evil), option("b".repeat(300), "b", "d".repeat(300))],
        }),
        parameter("many", "multi-select", "[]", {
          options: Array.from({ length: 3000 }, (_, i) => option(`Choice ${i}`, `c${i}`)),
        }),
        parameter("broken", "error", "", {
          diagnostics: [{ severity: "error", summary: "No such form type.", detail: evil, extra: { code: "" } }],
        }),
        parameter("soft", "input", "", {
          diagnostics: [
            { severity: "warning", summary: "Known only during the build.", detail: "", extra: { code: "" } },
          ],
        }),
      ];
    },
    ready: (p) => p.getByText("Choice 11", { exact: true }).waitFor(),
  },
];
