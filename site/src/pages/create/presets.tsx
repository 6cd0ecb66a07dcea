import { useId } from "react";
import type { Preset, PreviewParameter } from "@/api/generated";
import { Prose } from "@/components/prose";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { RadioCards } from "@/ui/choices";
import { words } from "./texts";

interface Props {
  presets: readonly Preset[];
  parameters: readonly PreviewParameter[];
  value: string;
  onChange: (id: string) => void;
}

/** Presets choose a set of values, and show which. */
export function Presets({ presets, parameters, value, onChange }: Props) {
  const label = useId();
  const chosen = presets.find((p) => p.ID === value);
  const titles = new Map(parameters.map((p) => [p.name, p]));
  return (
    <div className="flex flex-col gap-1.5">
      <span id={label} className="font-medium text-sm">
        {words.presets}
      </span>
      <RadioCards
        label={label}
        value={value}
        onChange={onChange}
        choices={[
          ...presets.map((p) => ({
            value: p.ID,
            title: plain(p.Name, 100),
            text: p.Description ? <Prose text={p.Description} /> : undefined,
            icon: p.Icon ? <Avatar name={p.Name} src={p.Icon} square size={18} /> : undefined,
          })),
          { value: "", title: words.presetNone, text: words.presetNoneText },
        ]}
      />
      {chosen && (chosen.Parameters ?? []).length > 0 ? (
        <dl aria-label={words.presetSets} className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {(chosen.Parameters ?? []).map(({ Name, Value }) => {
            const p = titles.get(Name);
            const option = (p?.options ?? []).find((o) => o.value.value === Value);
            return (
              <div key={Name} className="flex min-w-0 max-w-full gap-1.5">
                <dt className="shrink-0 text-muted">{plain(p?.display_name || Name, 60)}</dt>
                <dd className="truncate">
                  {p?.styling.mask_input ? "••••" : plain(option?.name || Value, 120) || "–"}
                </dd>
              </div>
            );
          })}
        </dl>
      ) : null}
    </div>
  );
}
