import { texts } from "@/lib/texts";
import { Kbd } from "@/ui/bits";
import { Dialog } from "@/ui/dialog";
import { shortcuts } from "./nav";

export function Shortcuts({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={texts.shortcuts}>
      <dl className="flex flex-col gap-2.5 pt-1">
        {shortcuts.map(([keys, does]) => (
          <div key={keys} className="flex items-center justify-between gap-4">
            <dt className="text-muted">{does}</dt>
            <dd className="flex gap-1">
              {keys.split(" ").map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
