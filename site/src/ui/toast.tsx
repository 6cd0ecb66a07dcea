import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast as Radix } from "radix-ui";
import { useSyncExternalStore } from "react";
import { IconButton } from "./button";

interface Note {
  id: number;
  tone: "ok" | "bad";
  title: string;
  text?: string;
  requestId?: string;
}

let notes: readonly Note[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(list: readonly Note[]) {
  notes = list;
  for (const listener of listeners) listener();
}

/** toast tells the outcome of an action. Failures stay until they are closed. */
export function toast(note: Omit<Note, "id">) {
  set([...notes.slice(-3), { ...note, id: next++ }]);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Toasts stands once around the app. */
export function Toasts({ children }: { children: React.ReactNode }) {
  const list = useSyncExternalStore(subscribe, () => notes);
  return (
    <Radix.Provider swipeDirection="right">
      {children}
      {list.map((n) => (
        <Radix.Root
          key={n.id}
          duration={n.tone === "bad" ? 600_000 : 4000}
          onOpenChange={(open) => {
            if (!open) set(notes.filter((other) => other.id !== n.id));
          }}
          className="pop flex items-start gap-3 rounded-lg border border-line bg-raised p-3 shadow-pop"
        >
          {n.tone === "bad" ? (
            <CircleAlert size={17} aria-hidden className="mt-0.5 shrink-0 text-bad" />
          ) : (
            <CircleCheck size={17} aria-hidden className="mt-0.5 shrink-0 text-ok" />
          )}
          <div className="min-w-0 flex-1">
            <Radix.Title className="font-medium">{n.title}</Radix.Title>
            {n.text ? <Radix.Description className="break-words text-muted text-sm">{n.text}</Radix.Description> : null}
            {n.requestId ? <p className="mt-1 select-all font-mono text-muted text-xs">{n.requestId}</p> : null}
          </div>
          <Radix.Close asChild>
            <IconButton silent label="Close" small className="-mr-1 -mt-1">
              <X size={14} />
            </IconButton>
          </Radix.Close>
        </Radix.Root>
      ))}
      <Radix.Viewport className="fixed right-0 bottom-0 z-50 flex w-96 max-w-full flex-col gap-2 p-4 outline-none" />
    </Radix.Provider>
  );
}
