import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { BookOpen, Keyboard, LogOut, Menu as MenuIcon, Search, Settings } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { basePath } from "@/api/base";
import { buildInfo, me } from "@/api/queries";
import { useShortcut } from "@/hooks/shortcut";
import { setTheme, type Theme, useTheme } from "@/hooks/theme";
import { texts } from "@/lib/texts";
import { Avatar, Kbd } from "@/ui/bits";
import { IconButton } from "@/ui/button";
import { Menu, MenuChoice, MenuHead, MenuItem, MenuLine } from "@/ui/menu";
import { useAccountTheme } from "./accounttheme";
import { ConnectionNotice } from "./connection";
import { Crumbs } from "./crumbs";
import { useFreshPage } from "./freshpage";
import { Logo } from "./logo";
import { useArea, useAreas } from "./nav";
import { useSignOut } from "./session";
import { Shortcuts } from "./shortcuts";

const Palette = lazy(() => import("./palette"));

/** Shell is what stands around every page of somebody who is signed in. */
export function Shell() {
  const [palette, setPalette] = useState(false);
  const [keys, setKeys] = useState(false);
  const main = useRef<HTMLElement>(null);
  const theme = useTheme();
  useOnePerson();
  useAccountTheme();
  useGoKeys();
  useFreshPage(main);
  useShortcut("mod+k", () => setPalette((open) => !open));
  useShortcut("?", () => setKeys(true));
  useShortcut("t", () => setTheme(theme === "dark" ? "light" : "dark"));
  useShortcut("/", () => document.querySelector<HTMLInputElement>('input[type="search"]')?.focus());
  return (
    <div className="flex h-dvh flex-col">
      <button
        type="button"
        onClick={() => main.current?.focus()}
        className="fixed top-2 left-2 z-50 -translate-y-16 rounded-md bg-accent px-3 py-1.5 text-on-accent focus:translate-y-0"
      >
        {texts.skip}
      </button>
      <header className="flex h-12 shrink-0 items-center gap-1 border-line border-b bg-surface px-3 sm:px-4">
        <AreasMenu />
        <Link to="/workspaces" aria-label={texts.product} className="mr-2 rounded-md">
          <Logo />
        </Link>
        <AreasBar />
        <Crumbs />
        <div className="ml-auto flex shrink-0 items-center gap-1">
          <button
            type="button"
            onClick={() => setPalette(true)}
            className="inline-flex h-8 items-center gap-2 rounded-md border border-line px-2.5 text-muted transition-colors hover:bg-hover hover:text-text max-sm:border-transparent"
          >
            <Search size={15} aria-hidden />
            <span className="max-md:sr-only">{texts.palette}</span>
            <span aria-hidden className="ml-4 flex gap-1 max-md:hidden">
              <Kbd>Ctrl</Kbd>
              <Kbd>K</Kbd>
            </span>
          </button>
          <UserMenu onShortcuts={() => setKeys(true)} />
        </div>
      </header>
      <ConnectionNotice />
      <main
        ref={main}
        tabIndex={-1}
        data-scroll-restoration-id="main"
        className="relative min-h-0 flex-1 overflow-y-auto outline-none"
      >
        <Outlet />
      </main>
      {palette ? (
        <Suspense>
          <Palette onClose={() => setPalette(false)} onShortcuts={() => setKeys(true)} />
        </Suspense>
      ) : null}
      <Shortcuts open={keys} onOpenChange={setKeys} />
    </div>
  );
}

function AreasBar() {
  const here = useArea();
  return (
    <nav aria-label={texts.areas} className="flex items-center gap-1 max-sm:hidden">
      {useAreas().map((area) => (
        <Link
          key={area.to}
          to={area.first}
          data-here={area.to === here || undefined}
          aria-current={area.to === here ? "true" : undefined}
          className="inline-flex h-8 items-center rounded-md px-2.5 font-medium text-muted transition-colors hover:bg-hover hover:text-text data-[here]:text-text"
        >
          {area.label}
        </Link>
      ))}
    </nav>
  );
}

/** AreasMenu holds the areas on a phone, where the bar has no room for them. */
function AreasMenu() {
  const here = useArea();
  const navigate = useNavigate();
  return (
    <div className="-ml-1.5 mr-0.5 sm:hidden">
      <Menu
        align="start"
        trigger={
          <IconButton silent label={texts.areas}>
            <MenuIcon size={18} aria-hidden />
          </IconButton>
        }
      >
        {useAreas().map((area) => (
          <MenuItem key={area.to} onSelect={() => void navigate({ to: area.first })}>
            <span className={area.to === here ? "font-semibold" : undefined}>{area.label}</span>
          </MenuItem>
        ))}
      </Menu>
    </div>
  );
}

export const themes: readonly (readonly [Theme, string])[] = [
  ["system", texts.themeSystem],
  ["light", texts.themeLight],
  ["dark", texts.themeDark],
];

function UserMenu({ onShortcuts }: { onShortcuts: () => void }) {
  const user = useSuspenseQuery(me()).data;
  const info = useQuery(buildInfo()).data;
  const signOut = useSignOut();
  const theme = useTheme();
  const navigate = useNavigate();
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={`Menu of ${user.username}`}
          className="inline-flex size-8 items-center justify-center rounded-full hover:bg-hover"
        >
          <Avatar name={user.username} src={user.avatar_url} />
        </button>
      }
    >
      <MenuHead>
        <span className="block truncate font-medium">{user.name || user.username}</span>
        <span className="block truncate text-muted text-xs">{user.email}</span>
      </MenuHead>
      <MenuLine />
      <MenuChoice label={texts.theme} value={theme} choices={themes} onChange={setTheme} />
      <MenuLine />
      <MenuItem icon={<Settings size={15} />} onSelect={() => void navigate({ to: "/settings/account" })}>
        {texts.settings}
      </MenuItem>
      <MenuItem icon={<Keyboard size={15} />} onSelect={onShortcuts} hint={<Kbd>?</Kbd>}>
        {texts.shortcuts}
      </MenuItem>
      <MenuItem icon={<BookOpen size={15} />} href={`${basePath}/api/v2/docs`}>
        {texts.apiDocs}
      </MenuItem>
      <MenuItem icon={<LogOut size={15} />} onSelect={() => signOut.mutate()}>
        {texts.signOut}
      </MenuItem>
      {info ? <p className="px-2 pt-1.5 pb-1 text-muted text-xs">{info.version}</p> : null}
    </Menu>
  );
}

/** Another tab may have signed in as somebody else: pages of two people must not mix. */
function useOnePerson() {
  const { data: user } = useSuspenseQuery({ ...me(), refetchOnWindowFocus: "always" });
  const first = useRef(user.id);
  useEffect(() => {
    if (user.id !== first.current) window.location.reload();
  }, [user.id]);
}

/** "g" and then a letter goes to an area. */
function useGoKeys() {
  const armed = useRef(0);
  const navigate = useNavigate();
  const areas = useRef<ReturnType<typeof useAreas>>([]);
  areas.current = useAreas();
  useShortcut("g", () => {
    armed.current = Date.now();
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (Date.now() - armed.current > 1000 || event.ctrlKey || event.metaKey || event.altKey) return;
      const entry = areas.current.find((area) => area.key === event.key);
      if (!entry) return;
      armed.current = 0;
      event.preventDefault();
      void navigate({ to: entry.first });
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [navigate]);
}
