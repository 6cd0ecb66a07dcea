import { linkOptions } from "@tanstack/react-router";
import { Sided } from "@/components/sided";

const links = linkOptions([
  { to: "/settings/account", label: "Account" },
  { to: "/settings/appearance", label: "Appearance" },
  { to: "/settings/security", label: "Security" },
  { to: "/settings/ssh-keys", label: "SSH key" },
  { to: "/settings/tokens", label: "Tokens" },
  { to: "/settings/external-auth", label: "External authentication" },
]);

export default function AccountLayout() {
  return <Sided label="Your settings" links={links} />;
}
