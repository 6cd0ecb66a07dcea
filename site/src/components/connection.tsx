import { CircleCheck, CloudOff } from "lucide-react";
import { useSyncExternalStore } from "react";
import { connection } from "@/api/connection";
import { texts } from "@/lib/texts";

/** ConnectionNotice says that the server is away, and that it is there again. */
export function ConnectionNotice() {
  const state = useSyncExternalStore(connection.subscribe, connection.current);
  return (
    <div role="status" aria-live="polite">
      {state === "fine" ? null : (
        <p
          className={`flex items-center justify-center gap-2 px-4 py-1.5 text-sm ${state === "lost" ? "bg-warn-soft text-warn" : "bg-ok-soft text-ok"}`}
        >
          {state === "lost" ? <CloudOff size={15} aria-hidden /> : <CircleCheck size={15} aria-hidden />}
          {state === "lost" ? texts.lost : texts.back}
        </p>
      )}
    </div>
  );
}
