import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { ArrowRight, BookOpen, Keyboard, LogOut, SunMoon } from "lucide-react";
import { useState } from "react";
import { basePath } from "@/api/base";
import { workspaces } from "@/api/queries";
import { setTheme } from "@/hooks/theme";
import { plain } from "@/lib/plain";
import { statusText, texts } from "@/lib/texts";
import { Avatar } from "@/ui/bits";
import { useAreas } from "./nav";
import { Entry, Group } from "./paletteentry";
import { PageEntries, TemplateEntries } from "./paletteplaces";
import { useSignOut } from "./session";
import { themes } from "./shell";

interface Props {
  onClose: () => void;
  onShortcuts: () => void;
}

/** How many workspaces an empty search shows; words find among all. */
const few = 6;

/** Palette finds workspaces, templates, pages and actions by typing. */
export default function Palette({ onClose, onShortcuts }: Props) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const signOut = useSignOut();
  const areas = useAreas();
  const found = useQuery({ ...workspaces("owner:me", 100), staleTime: 10_000 });
  const typed = text.trim() !== "";
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
          <Entry
            icon={<BookOpen size={15} />}
            onSelect={run(() => window.open(`${basePath}/api/v2/docs`, "_blank", "noopener"))}
          >
            {texts.apiDocs}
          </Entry>
        </Group>
        {found.data?.workspaces?.length ? (
          <Group heading={texts.navWorkspaces}>
            {found.data.workspaces.slice(0, typed ? 100 : few).map((w) => (
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
        <TemplateEntries run={run} all={typed} />
        <PageEntries run={run} />
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
