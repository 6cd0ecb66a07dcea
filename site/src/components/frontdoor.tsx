import type { ReactNode } from "react";
import { texts } from "@/lib/texts";
import { ConnectionNotice } from "./connection";
import { Logo } from "./logo";

/** FrontDoor is the frame of the pages before somebody is signed in. */
export function FrontDoor({ title, text, children }: { title: string; text?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <title>{`${title} · ${texts.product}`}</title>
      <ConnectionNotice />
      <main className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center gap-6 px-4 py-10">
        <div className="flex flex-col gap-3">
          <Logo size={40} />
          <div className="flex flex-col gap-1">
            <h1 className="font-semibold text-xl tracking-tight">{title}</h1>
            {text ? <p className="text-muted">{text}</p> : null}
          </div>
        </div>
        {children}
      </main>
    </div>
  );
}
