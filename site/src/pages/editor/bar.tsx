import { Link } from "@tanstack/react-router";
import { Hammer, Settings2, Undo2 } from "lucide-react";
import { useState } from "react";
import type { Template, TemplateVersion } from "@/api/generated";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button, IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Badge } from "@/ui/status";
import { words } from "./texts";

interface Props {
  template: Template;
  version: TemplateVersion;
  /** changes counts the files that are not built as they are. */
  changes: number;
  kept: boolean;
  busy: boolean;
  /** unready is why nothing can be published. */
  unready: string | undefined;
  onBuild: () => void;
  onPublish: () => void;
  onSettings: () => void;
  onDiscard: () => void;
}

/** Bar says what is edited, and has what can be done with it. */
export function Bar(props: Props) {
  const { template, version, changes, kept, busy, unready } = props;
  const [discard, setDiscard] = useState(false);
  return (
    <header className="flex shrink-0 flex-wrap items-center gap-2 border-line border-b bg-surface px-3 py-2 sm:px-4">
      <h1 className="min-w-0 truncate font-semibold">
        <Link
          to="/templates/$organization/$template"
          params={{ organization: template.organization_name, template: template.name }}
          className="rounded-sm hover:underline"
        >
          {plain(template.display_name || template.name, 64)}
        </Link>
      </h1>
      <span className="min-w-0 truncate text-muted">{plain(version.name, 64)}</span>
      {changes > 0 ? (
        <Badge tone="warn">
          {changes} {words.unsaved}
        </Badge>
      ) : null}
      <div className="ml-auto flex flex-wrap items-center gap-2">
        {changes > 0 ? (
          <IconButton label={words.discard} onClick={() => setDiscard(true)}>
            <Undo2 size={16} />
          </IconButton>
        ) : null}
        <IconButton label={words.settings} onClick={props.onSettings}>
          <Settings2 size={16} />
        </IconButton>
        <Button
          look={unready ? "primary" : "plain"}
          busy={busy}
          icon={<Hammer size={15} aria-hidden />}
          onClick={props.onBuild}
          aria-keyshortcuts="Control+S"
        >
          {words.build}
          <span aria-hidden className="text-xs max-lg:hidden">
            Ctrl S
          </span>
        </Button>
        <Button look={unready ? "plain" : "primary"} reason={unready} onClick={props.onPublish}>
          {words.publish}
        </Button>
      </div>
      {kept ? null : (
        <p role="alert" className="w-full text-sm text-warn">
          {words.tooLarge}
        </p>
      )}
      {discard ? (
        <Dialog
          open
          onOpenChange={setDiscard}
          title={words.discardTitle}
          text={words.discardText(changes)}
          footer={
            <>
              <Button onClick={() => setDiscard(false)}>{texts.cancel}</Button>
              <Button
                look="danger"
                onClick={() => {
                  setDiscard(false);
                  props.onDiscard();
                }}
              >
                {words.discard}
              </Button>
            </>
          }
        />
      ) : null}
    </header>
  );
}
