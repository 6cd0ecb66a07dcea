import { useQuery } from "@tanstack/react-query";
import { basePath } from "@/api/base";
import { read } from "@/api/queries";
import { Empty, Skeleton } from "@/ui/bits";
import { CodeBlock } from "@/ui/codeblock";
import { words } from "./texts";

/** FirstSteps teaches whoever has no workspace the next step, with the commands to type. */
export function FirstSteps() {
  const templates = useQuery(read("GET /api/v2/templates"));
  if (templates.isPending) return <Skeleton className="h-72" />;
  const signIn = `coder login ${window.location.origin}${basePath}`;
  const first = templates.data?.[0];
  const steps = first
    ? [
        [words.step1, signIn],
        [words.step2, `coder create --template ${first.name} my-workspace`],
        [words.step3, "coder ssh my-workspace"],
      ]
    : [
        [words.tstep1, signIn],
        [words.tstep2, "coder templates init my-template"],
        [words.tstep3, "coder templates push my-template --directory my-template"],
      ];
  return (
    <Empty
      title={first ? words.emptyTitle : words.noTemplateTitle}
      text={first ? words.emptyText : words.noTemplateText}
    >
      <ol className="flex flex-col gap-4">
        {steps.map(([what, command], i) => (
          <li key={what} className="flex min-w-0 flex-col gap-1.5">
            <p className="flex items-center gap-2">
              <span
                aria-hidden
                className="inline-flex size-5 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent text-xs"
              >
                {i + 1}
              </span>
              {what}
            </p>
            <CodeBlock code={command!} label={what} />
          </li>
        ))}
      </ol>
    </Empty>
  );
}
