import type { Look } from "../look";

const as = "alice";

export const looks: Look[] = [
  { name: "account", path: "/settings/account", as, ready: (p) => p.getByText("25 of 40 a day").first().waitFor() },
  {
    name: "appearance",
    path: "/settings/appearance",
    as,
    ready: (p) => p.getByRole("radio", { name: /System/ }).waitFor(),
  },
  {
    name: "security",
    path: "/settings/security",
    as,
    ready: async (p) => {
      await p.getByText("mM91xTbr7Z").waitFor();
      await p.getByLabel("New password", { exact: true }).fill("short");
      await p.getByText("Use at least 8 characters.").waitFor();
    },
  },
  { name: "ssh-key", path: "/settings/ssh-keys", as, ready: (p) => p.getByText("ssh-ed25519").waitFor() },
  {
    name: "tokens",
    path: "/settings/tokens?all=true&expired=true",
    as,
    ready: (p) => p.getByText("<b>bobs</b>").waitFor(),
  },
  {
    name: "tokens-none",
    path: "/settings/tokens",
    as: "carol",
    ready: (p) => p.getByText("coder tokens create").waitFor(),
  },
  {
    name: "token-new",
    path: "/settings/tokens?make=true",
    as,
    ready: async (p) => {
      await p.getByLabel("Name").fill("nightly build");
      await p.getByRole("radio", { name: /Only what you choose/ }).click();
      await p.getByLabel("workspace:read").click();
      await p.getByRole("radio", { name: /Only these things/ }).click();
      await p.getByLabel("Thing", { exact: true }).fill("template:*");
      await p.getByLabel("Thing", { exact: true }).press("Enter");
      await p.getByRole("button", { name: "Make the token" }).click();
      await p.getByText("starting with a letter or digit").waitFor();
    },
  },
  {
    name: "token-made",
    path: "/settings/tokens?make=true",
    as,
    ready: async (p) => {
      await p.getByLabel("Name").fill("nightly");
      await p.getByRole("button", { name: "Make the token" }).click();
      await p.getByRole("dialog").getByText("shown this once").waitFor();
    },
  },
  {
    name: "external-auth",
    path: "/settings/external-auth",
    as,
    ready: (p) => p.getByText("Signed in as alice-codes").waitFor(),
  },
  {
    name: "external-auth-code",
    path: "/settings/external-auth",
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: /With a code.*onerror/ }).click();
      await p.getByText("ABCD-1234").waitFor();
    },
  },
  {
    name: "external-auth-none",
    path: "/settings/external-auth",
    as,
    prepare: (store) => {
      store.accounts.providers = [];
    },
    ready: (p) => p.getByText("CODER_EXTERNAL_AUTH_0_ID").waitFor(),
  },
  {
    name: "cli-auth",
    path: "/cli-auth",
    as,
    ready: (p) => p.getByRole("button", { name: "Make a session token" }).waitFor(),
  },
  {
    name: "cli-auth-made",
    path: "/cli-auth",
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: "Make a session token" }).click();
      await p.getByText("Your session token").waitFor();
    },
  },
  {
    name: "palette-found",
    path: "/settings/account",
    as,
    ready: async (p) => {
      await p.getByText("25 of 40 a day").first().waitFor();
      await p.keyboard.press("Control+k");
      await p.getByRole("dialog").getByRole("combobox").fill("docker");
      await p.getByRole("option", { name: "New workspace from Docker container" }).waitFor();
    },
  },
];
