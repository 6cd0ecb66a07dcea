import { getRouteApi } from "@tanstack/react-router";
import { Tabs as Radix } from "radix-ui";
import { type ComponentProps, type CSSProperties, type ReactNode, useState } from "react";
import { Divider } from "@/ui/divider";
import { BuildPanel } from "./panel";
import { Preview } from "./preview";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/versions/$version/edit");

interface Props {
  tree: ReactNode;
  /** panel is what stands behind the text; preview is the version whose preview it is. */
  panel: ComponentProps<typeof BuildPanel> & { preview: string };
  children: ReactNode;
}

const tab =
  "inline-flex h-9 items-center border-transparent border-b-2 px-2 font-medium text-muted text-sm outline-offset-[-2px] hover:text-text data-[state=active]:border-accent data-[state=active]:text-text";

/** Panes are three beside each other, as wide as one likes; on a narrow window they stand below each other. */
export function Panes({ tree, panel: { preview, ...panel }, children }: Props) {
  const [widths, setWidths] = useState({ tree: 208, panel: 400 });
  const { tab: shown = "build" } = route.useSearch();
  const navigate = route.useNavigate();
  const style = { "--tree": `${widths.tree}px`, "--panel": `${widths.panel}px` } as CSSProperties;
  return (
    <div
      style={style}
      className="flex min-h-0 flex-1 flex-col lg:grid lg:grid-cols-[var(--tree)_auto_minmax(0,1fr)_auto_var(--panel)]"
    >
      <div className="flex min-h-0 flex-col bg-surface max-lg:max-h-60 max-lg:border-line max-lg:border-b">{tree}</div>
      <Divider
        label={words.resizeTree}
        value={widths.tree}
        min={140}
        max={480}
        onChange={(tree) => setWidths({ ...widths, tree })}
        className="max-lg:hidden"
      />
      <div className="min-h-0 min-w-0 max-lg:h-[60dvh]">{children}</div>
      <Divider
        after
        label={words.resizePanel}
        value={widths.panel}
        min={280}
        max={800}
        onChange={(panel) => setWidths({ ...widths, panel })}
        className="max-lg:hidden"
      />
      <section
        aria-label={words.panel}
        className="flex min-h-0 min-w-0 flex-col bg-surface max-lg:border-line max-lg:border-t"
      >
        <Radix.Root
          value={shown}
          onValueChange={(value) =>
            void navigate({
              search: (old) => ({ ...old, tab: value === "preview" ? ("preview" as const) : undefined }),
              replace: true,
            })
          }
          activationMode="manual"
          className="flex min-h-0 flex-1 flex-col"
        >
          <Radix.List aria-label={words.panel} className="flex shrink-0 gap-1 border-line border-b px-2">
            <Radix.Trigger value="build" className={tab}>
              {words.buildTab}
            </Radix.Trigger>
            <Radix.Trigger value="preview" className={tab}>
              {words.previewTab}
            </Radix.Trigger>
          </Radix.List>
          <Radix.Content
            value="build"
            tabIndex={-1}
            className="data-[state=inactive]:hidden flex min-h-0 flex-1 flex-col outline-none"
          >
            <BuildPanel {...panel} />
          </Radix.Content>
          <Radix.Content
            value="preview"
            tabIndex={-1}
            className="flex min-h-0 flex-1 flex-col outline-none data-[state=inactive]:hidden"
          >
            <Preview key={preview} version={preview} opened={preview !== panel.version?.id} />
          </Radix.Content>
        </Radix.Root>
      </section>
    </div>
  );
}
