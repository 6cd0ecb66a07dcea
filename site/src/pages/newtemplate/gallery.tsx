import type { UseQueryResult } from "@tanstack/react-query";
import { FilePlus2 } from "lucide-react";
import { useState } from "react";
import type { TemplateExample } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Avatar, Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Dialog } from "@/ui/dialog";
import { Badge } from "@/ui/status";
import { Dropzone } from "./dropzone";
import type { Upload } from "./source";
import { words } from "./texts";

interface Props {
  examples: UseQueryResult<TemplateExample[]>;
  onStart: (from: string) => void;
  onUpload: (upload: Upload) => void;
}

/** Gallery are the ways to begin. */
export function Gallery({ examples, onStart, onUpload }: Props) {
  const [reading, setReading] = useState<TemplateExample>();
  return (
    <>
      <section className="flex flex-col gap-3">
        <h2 className="font-semibold">{words.starters}</h2>
        {examples.isError ? (
          <ApiErrorBox error={examples.error} title={words.startersError} onRetry={() => void examples.refetch()} />
        ) : null}
        {examples.data?.length === 0 ? <p className="text-muted">{words.startersNone}</p> : null}
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(16rem,100%),1fr))] gap-3">
          {examples.isPending ? [1, 2, 3].map((n) => <Skeleton key={n} className="h-40" />) : null}
          {examples.data?.map((example) => (
            <Starter key={example.id} example={example} onUse={onStart} onRead={setReading} />
          ))}
        </ul>
      </section>
      <section className="flex flex-col gap-3">
        <h2 className="font-semibold">{words.own}</h2>
        <div className="grid gap-3 md:grid-cols-2">
          <Dropzone onUpload={onUpload} />
          <div className="flex flex-col justify-between gap-3 rounded-lg border border-line bg-surface p-5">
            <div className="flex gap-3">
              <FilePlus2 size={20} aria-hidden className="mt-0.5 shrink-0 text-muted" />
              <div>
                <h3 className="font-semibold">{words.scratch}</h3>
                <p className="text-muted text-sm">{words.scratchText}</p>
              </div>
            </div>
            <Button size="sm" className="self-start" onClick={() => onStart("scratch")}>
              {words.scratch}
            </Button>
          </div>
        </div>
        <p className="mt-2 text-muted text-sm">{words.cli}</p>
        <CodeBlock code="coder templates push my-template" />
      </section>
      {reading ? (
        <Dialog
          open
          onOpenChange={(open) => !open && setReading(undefined)}
          title={words.readmeOf(plain(reading.name, 100))}
          className="max-w-2xl"
          footer={
            <Button look="primary" onClick={() => onStart(reading.id)}>
              {words.use}
            </Button>
          }
        >
          <Readme text={reading.markdown} />
        </Dialog>
      ) : null}
    </>
  );
}

const Readme = ({ text }: { text: string }) => (
  <pre tabIndex={0} className="whitespace-pre-wrap break-words font-sans">
    {text
      .slice(0, 100_000)
      .split("\n")
      .map((line) => plain(line))
      .join("\n")}
  </pre>
);

interface StarterProps {
  example: TemplateExample;
  onUse: (id: string) => void;
  onRead: (example: TemplateExample) => void;
}

function Starter({ example, onUse, onRead }: StarterProps) {
  const name = plain(example.name, 100);
  return (
    <li className="flex">
      <Card className="flex flex-1 flex-col gap-3 p-4">
        <div className="flex min-w-0 gap-3">
          <Avatar square size={32} name={name} src={example.icon} />
          <div className="min-w-0 flex-1">
            <h3 className="break-words font-semibold">{name}</h3>
            <p className="break-words text-muted text-sm">{plain(example.description, 160)}</p>
          </div>
        </div>
        <p className="flex min-w-0 flex-wrap gap-1 overflow-hidden">
          {(example.tags ?? []).slice(0, 8).map((tag) => (
            <Badge key={tag}>{plain(tag, 24)}</Badge>
          ))}
        </p>
        <div className="mt-auto flex gap-2">
          <Button size="sm" look="primary" aria-label={`${words.use} ${name}`} onClick={() => onUse(example.id)}>
            {words.use}
          </Button>
          {example.markdown ? (
            <Button size="sm" look="quiet" aria-label={`${words.readme} ${name}`} onClick={() => onRead(example)}>
              {words.readme}
            </Button>
          ) : null}
        </div>
      </Card>
    </li>
  );
}
