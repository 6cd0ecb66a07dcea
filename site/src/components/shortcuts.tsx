import { texts } from "@/lib/texts";
import { Kbd } from "@/ui/bits";
import { Dialog } from "@/ui/dialog";
import { goKey, shortcuts, useAreas } from "./nav";

export function Shortcuts({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const keys = [...shortcuts, ...useAreas().map(goKey)];
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={texts.shortcuts}>
      <dl className="flex flex-col gap-2.5 pt-1">
        {keys.map(([keys, does]) => (
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
