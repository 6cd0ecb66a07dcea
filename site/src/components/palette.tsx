import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { ArrowRight, BookOpen, Keyboard, LogOut, Settings, SunMoon } from "lucide-react";
import { type ReactNode, useState } from "react";
import { basePath } from "@/api/base";
import { workspaces } from "@/api/queries";
import { setTheme } from "@/hooks/theme";
import { plain } from "@/lib/plain";
import { statusText, texts } from "@/lib/texts";
import { Avatar } from "@/ui/bits";
import { useAreas, useDeploymentPages } from "./nav";
import { useSignOut } from "./session";
import { themes } from "./shell";

interface Props {
  onClose: () => void;
  onShortcuts: () => void;
}

/** Palette finds workspaces, pages and actions by typing. */
export default function Palette({ onClose, onShortcuts }: Props) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const signOut = useSignOut();
  const areas = useAreas();
  const deployment = useDeploymentPages();
  // Without a word they would hide the workspaces.
  const pages = text.trim() ? deployment : [];
  const found = useQuery({ ...workspaces("owner:me", 100), staleTime: 10_000 });
  const run = (action: () => void) => () => {
    onClose();
    action();
  };
  return (
    <Command.Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      label={texts.palette}
      overlayClassName="fixed inset-0 z-40 bg-veil"
      contentClassName="pop -translate-x-1/2 fixed top-[12vh] left-1/2 z-40 w-[calc(100vw-2rem)] max-w-xl overflow-hidden rounded-lg border border-line bg-raised shadow-pop"
      loop
    >
      <Command.Input
        value={text}
        onValueChange={setText}
        placeholder={texts.palette}
        aria-label={texts.palette}
        className="h-12 w-full border-line border-b bg-transparent px-4 text-[0.9375rem] outline-none placeholder:text-faint"
      />
      <Command.List className="max-h-[52vh] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-8 text-center text-muted">{texts.paletteEmpty}</Command.Empty>
        <Group heading="Go to">
          {areas.map((area) => (
            <Entry
              key={area.to}
              icon={<ArrowRight size={15} />}
              onSelect={run(() => void navigate({ to: area.first }))}
            >
              {area.label}
            </Entry>
          ))}
          {pages.map((page) => (
            <Entry
              key={page.to}
              value={`${texts.navDeployment} ${page.label}`}
              icon={<ArrowRight size={15} />}
              hint={texts.navDeployment}
              onSelect={run(() => void navigate({ to: page.to }))}
            >
              {page.label}
            </Entry>
          ))}
          <Entry icon={<Settings size={15} />} onSelect={run(() => void navigate({ to: "/settings/account" }))}>
            {texts.yourSettings}
          </Entry>
          <Entry
            icon={<BookOpen size={15} />}
            onSelect={run(() => window.open(`${basePath}/api/v2/docs`, "_blank", "noopener"))}
          >
            {texts.apiDocs}
          </Entry>
        </Group>
        {found.data?.workspaces?.length ? (
          <Group heading={texts.navWorkspaces}>
            {found.data.workspaces.map((w) => (
              <Entry
                key={w.id}
                value={`workspace ${w.owner_name}/${w.name} ${w.template_name}`}
                icon={
                  <Avatar name={w.template_display_name || w.template_name} src={w.template_icon} square size={18} />
                }
                hint={statusText[w.latest_build.status]}
                onSelect={run(
                  () => void navigate({ to: "/@{$owner}/$name", params: { owner: w.owner_name, name: w.name } }),
                )}
              >
                {plain(w.name, 64)}
              </Entry>
            ))}
          </Group>
        ) : null}
        <Group heading="Do">
          {themes.map(([theme, label]) => (
            <Entry key={theme} icon={<SunMoon size={15} />} onSelect={run(() => setTheme(theme))}>
              {`${texts.theme}: ${label}`}
            </Entry>
          ))}
          <Entry icon={<Keyboard size={15} />} onSelect={run(onShortcuts)}>
            {texts.shortcuts}
          </Entry>
          <Entry icon={<LogOut size={15} />} onSelect={run(() => signOut.mutate())}>
            {texts.signOut}
          </Entry>
        </Group>
      </Command.List>
    </Command.Dialog>
  );
}

const Group = ({ heading, children }: { heading: string; children: ReactNode }) => (
  <Command.Group
    heading={heading}
    className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-muted [&_[cmdk-group-heading]]:text-xs"
  >
    {children}
  </Command.Group>
);

interface EntryProps {
  icon: ReactNode;
  children: string;
  hint?: string;
  value?: string;
  onSelect: () => void;
}

const Entry = ({ icon, children, hint, value, onSelect }: EntryProps) => (
  <Command.Item
    value={value ?? children}
    onSelect={onSelect}
    className="flex items-center gap-2.5 rounded-md px-2.5 py-2 data-[selected=true]:bg-hover"
  >
    <span aria-hidden className="inline-flex w-5 justify-center text-muted">
      {icon}
    </span>
    <span className="min-w-0 flex-1 truncate">{children}</span>
    {hint ? <span className="text-muted text-xs">{hint}</span> : null}
  </Command.Item>
);
