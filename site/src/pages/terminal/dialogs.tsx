import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { words } from "./texts";

const shown = (text: string) =>
  text
    .slice(0, 20_000)
    .split(/\r\n?|\n/)
    .map((line) => plain(line, 500))
    .join("\n");

const Text = ({ text }: { text: string }) => (
  <pre
    tabIndex={0}
    className="max-h-64 overflow-auto whitespace-pre-wrap break-words rounded-md border border-line bg-sunken px-3 py-2 font-mono text-sm"
  >
    {shown(text)}
  </pre>
);

interface PasteProps {
  text: string;
  onPaste: () => void;
  onClose: () => void;
}

/** AskPaste shows what would run before it does. */
export function AskPaste({ text, onPaste, onClose }: PasteProps) {
  const count = text.replace(/\r?\n$/, "").split(/\r\n?|\n/).length;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.pasteTitle(count)}
      text={words.pasteText}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look="primary"
            autoFocus
            onClick={() => {
              onPaste();
              onClose();
            }}
          >
            {words.pasteAct}
          </Button>
        </>
      }
    >
      <Text text={text} />
    </Dialog>
  );
}

interface RunProps {
  command: string;
  where: string;
  onAnswer: (run: boolean) => void;
}

/** AskRun stands before a command that came by a link: a link never acts by itself. */
export function AskRun({ command, where, onAnswer }: RunProps) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onAnswer(false)}
      title={words.runTitle}
      text={words.runText(where)}
      footer={
        <>
          <Button onClick={() => onAnswer(false)}>{words.runShell}</Button>
          <Button look="primary" onClick={() => onAnswer(true)}>
            {words.runAct}
          </Button>
        </>
      }
    >
      <Text text={command} />
    </Dialog>
  );
}
