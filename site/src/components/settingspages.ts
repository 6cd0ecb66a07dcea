import { linkOptions } from "@tanstack/react-router";

/** The pages of one's own settings, as the side of the area and the palette show them. */
export const settingsPages = linkOptions([
  { to: "/settings/account", label: "Account" },
  { to: "/settings/appearance", label: "Appearance" },
  { to: "/settings/security", label: "Security" },
  { to: "/settings/ssh-keys", label: "SSH key" },
  { to: "/settings/tokens", label: "Tokens" },
  { to: "/settings/external-auth", label: "External authentication" },
]);
