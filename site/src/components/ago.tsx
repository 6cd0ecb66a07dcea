import { useNow } from "@/hooks/now";
import { ago, exact } from "@/lib/time";

/** Ago is a time as its distance from now, with the time itself as its title. */
export function Ago({ at }: { at: string | undefined }) {
  const now = useNow();
  return (
    <time dateTime={at} title={at ? exact(at) : undefined}>
      {ago(at, now)}
    </time>
  );
}
