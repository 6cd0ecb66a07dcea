import { useCallback, useEffect, useRef, useState } from "react";
import type { Workspace, WorkspaceAgent } from "@/api/generated";
import { plain } from "@/lib/plain";
import { toast } from "@/ui/toast";
import { Bar } from "./bar";
import { AskPaste, AskRun } from "./dialogs";
import { Keys } from "./keys";
import { Notice, WantsClipboard } from "./notice";
import type { Hindrance } from "./page";
import { keepId, newId, type Place } from "./place";
import { copy, type Drawn } from "./screen";
import { Find } from "./search";
import { Session, type State } from "./session";
import { change, settings, useSettings } from "./settings";
import { words } from "./texts";
import { useDrawn } from "./usedrawn";

interface Props {
  place: Place;
  workspace: Workspace;
  agent: WorkspaceAgent | undefined;
  hindrance: Hindrance | undefined;
  /** font is undefined while it is not known. */
  font: string | undefined;
}

/** Where the terminals stand whose command this tab was told to run. */
const ran = (id: string) => `terminal ${id}`;

function mayRun(place: Place): boolean {
  return !place.command || Boolean(place.reconnect && sessionStorage.getItem(ran(place.reconnect)));
}

/** View is the terminal with what stands around it. */
export function View({ place: given, workspace, agent, hindrance, font }: Props) {
  const [place, setPlace] = useState(given);
  const [id, setId] = useState(() => given.reconnect || newId());
  const [allowed, setAllowed] = useState(() => mayRun(given));
  const [state, setState] = useState<State>({ kind: "waiting" });
  const [finding, setFinding] = useState(false);
  const [paste, setPaste] = useState("");
  const [wanted, setWanted] = useState("");
  const [title, setTitle] = useState("");
  const [control, setControl] = useState(false);
  const host = useRef<HTMLDivElement>(null);
  const session = useRef<Session>(undefined);
  const where = `${workspace.owner_name}/${workspace.name}${agent ? `.${plain(agent.name, 64)}` : ""}`;

  const anew = useCallback(() => {
    setState({ kind: "waiting" });
    const next = newId();
    if (place.command) sessionStorage.setItem(ran(next), "1");
    setId(next);
  }, [place.command]);
  const typed = (text: string) => {
    if (state.kind === "ended") return text === "\r" ? anew() : undefined;
    session.current?.type(control ? controlled(text) : text);
    if (control) setControl(false);
  };
  const drawn = useDrawn(host, font, where, {
    typed,
    resized: () => session.current?.resize(),
    title: setTitle,
    copied: (text) => (settings().clipboard ? void toClipboard(text) : setWanted(text)),
    pasted: setPaste,
    search: () => setFinding(true),
    reader: () => change({ screenReader: !settings().screenReader }),
  });
  useEffect(() => {
    document.title = `${title || where} · ${words.title}`;
  }, [title, where]);
  useEffect(() => {
    if (given.screenReader) change({ screenReader: true });
  }, [given.screenReader]);
  useEffect(() => keepId(id), [id]);

  const agentId = agent?.id;
  const go = Boolean(drawn && agentId && allowed && (!hindrance || state.kind === "connected"));
  useEffect(() => {
    if (!go || !drawn || !agentId) return;
    const { term } = drawn;
    term.reset();
    const next = new Session(
      agentId,
      id,
      place,
      {
        size: () => ({ width: term.cols, height: term.rows }),
        show: (bytes, done) => term.write(bytes, done),
      },
      setState,
    );
    session.current = next;
    next.open();
    term.focus();
    return () => {
      next.leave();
      session.current = undefined;
      setState({ kind: "waiting" });
    };
  }, [go, drawn, agentId, id, place]);

  const focus = () => drawn?.term.focus();
  const run = (yes: boolean) => {
    if (yes) sessionStorage.setItem(ran(id), "1");
    else {
      setPlace({ ...place, command: "" });
      setId(newId());
      forgetCommand();
    }
    setAllowed(true);
  };
  return (
    <div className="flex h-dvh flex-col bg-surface">
      <Bar
        where={where}
        back={`@${workspace.owner_name}/${workspace.name}`}
        state={hindrance && state.kind !== "connected" ? undefined : state}
        onSearch={() => setFinding(true)}
        onNew={anew}
      />
      <Notice
        hindrance={state.kind === "connected" ? undefined : hindrance}
        state={state}
        workspace={workspace}
        onRetry={() => session.current?.open()}
        onNew={() => {
          anew();
          focus();
        }}
      />
      {wanted ? (
        <WantsClipboard
          size={wanted.length}
          onAnswer={(yes) => {
            if (yes) {
              change({ clipboard: true });
              void toClipboard(wanted);
            }
            setWanted("");
            focus();
          }}
        />
      ) : null}
      <main aria-label={words.label(where)} className="relative min-h-0 flex-1">
        <h1 className="sr-only">{words.label(where)}</h1>
        <div ref={host} className="absolute inset-x-2 inset-y-1.5 overflow-hidden" />
        {finding && drawn ? (
          <Find
            drawn={drawn}
            onClose={() => {
              setFinding(false);
              focus();
            }}
          />
        ) : null}
        <ReaderSays />
      </main>
      <Keys term={drawn?.term} control={control} onControl={() => setControl(!control)} onType={typed} />
      {paste ? (
        <AskPaste text={paste} onClose={() => closePaste(setPaste, drawn)} onPaste={() => drawn?.term.paste(paste)} />
      ) : null}
      {allowed ? null : <AskRun command={place.command} where={where} onAnswer={run} />}
    </div>
  );
}

function closePaste(set: (text: string) => void, drawn: Drawn | undefined) {
  set("");
  setTimeout(() => drawn?.term.focus());
}

async function toClipboard(text: string) {
  if (!(await copy(text))) toast({ tone: "bad", title: words.copyFailed });
}

/** forgetCommand takes the command out of the URL, so that a reload does not ask again. */
function forgetCommand() {
  const url = new URL(window.location.href);
  url.searchParams.delete("command");
  window.history.replaceState(null, "", url);
}

/** controlled is a key with Ctrl, for keyboards that have none. */
function controlled(text: string): string {
  const code = text.toUpperCase().charCodeAt(0);
  return text.length === 1 && code >= 0x40 && code < 0x60 ? String.fromCharCode(code - 0x40) : text;
}

function ReaderSays() {
  const { screenReader } = useSettings();
  const first = useRef(screenReader);
  const said = screenReader !== first.current;
  return (
    <p role="status" className="sr-only">
      {said ? (screenReader ? words.screenReaderOn : words.screenReaderOff) : ""}
    </p>
  );
}
