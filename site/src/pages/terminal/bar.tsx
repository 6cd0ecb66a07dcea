import { AArrowDown, AArrowUp, ArrowLeft, Ellipsis, Plus, Search } from "lucide-react";
import { setTheme, type Theme, useTheme } from "@/hooks/theme";
import { texts } from "@/lib/texts";
import { Kbd } from "@/ui/bits";
import { IconButton } from "@/ui/button";
import { Menu, MenuChoice, MenuItem, MenuLine } from "@/ui/menu";
import { MenuSwitch } from "@/ui/menuswitch";
import { Status, type Tone } from "@/ui/status";
import type { State } from "./session";
import { change, useSettings } from "./settings";
import { words } from "./texts";

interface Props {
  where: string;
  /** back is the address of the workspace, below the base path. */
  back: string;
  /** state is undefined where the notice says what is the matter. */
  state: State | undefined;
  onSearch: () => void;
  onNew: () => void;
}

const shown: Partial<Record<State["kind"], readonly [Tone, string]>> = {
  waiting: ["busy", words.connecting],
  connecting: ["busy", words.connecting],
  connected: ["ok", words.connected],
};

const themes: readonly (readonly [Theme, string])[] = [
  ["system", texts.themeSystem],
  ["light", texts.themeLight],
  ["dark", texts.themeDark],
];

/** Bar is the quiet line above a terminal. */
export function Bar({ where, back, state, onSearch, onNew }: Props) {
  const theme = useTheme();
  const { copyOnSelect, clipboard, screenReader, fontSize } = useSettings();
  const now = state && shown[state.kind];
  return (
    <header className="flex h-10 shrink-0 items-center gap-1 border-line border-b px-2">
      <a
        href={back}
        title={words.back}
        className="inline-flex h-8 min-w-0 items-center gap-2 rounded-md px-2 font-medium hover:bg-hover"
      >
        <ArrowLeft size={15} aria-hidden className="shrink-0 text-muted" />
        <span className="sr-only">{words.back}: </span>
        <span className="truncate">{where}</span>
      </a>
      <div role="status" className="ml-auto px-2 text-muted text-sm">
        {now ? <Status tone={now[0]}>{now[1]}</Status> : null}
      </div>
      <IconButton label={words.search} onClick={onSearch}>
        <Search size={15} />
      </IconButton>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={words.menu}
            className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text data-[state=open]:bg-hover"
          >
            <Ellipsis size={16} />
          </button>
        }
      >
        <MenuItem icon={<Plus size={15} />} onSelect={onNew}>
          {words.anew}
        </MenuItem>
        <MenuLine />
        <MenuSwitch on={copyOnSelect} onChange={(on) => change({ copyOnSelect: on })}>
          {words.copyOnSelect}
        </MenuSwitch>
        <MenuSwitch on={clipboard} onChange={(on) => change({ clipboard: on })}>
          {words.clipboard}
        </MenuSwitch>
        <MenuSwitch on={screenReader} onChange={(on) => change({ screenReader: on })} hint={<Kbd>Alt F1</Kbd>}>
          {words.screenReader}
        </MenuSwitch>
        <MenuLine />
        <MenuItem icon={<AArrowUp size={15} />} onSelect={() => change({ fontSize: fontSize + 1 })}>
          {words.larger}
        </MenuItem>
        <MenuItem icon={<AArrowDown size={15} />} onSelect={() => change({ fontSize: fontSize - 1 })}>
          {words.smaller}
        </MenuItem>
        <MenuLine />
        <MenuChoice label={texts.theme} value={theme} choices={themes} onChange={setTheme} />
      </Menu>
    </header>
  );
}
