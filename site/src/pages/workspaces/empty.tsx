import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { read } from "@/api/queries";
import { plain } from "@/lib/plain";
import { Avatar, Empty, Skeleton } from "@/ui/bits";
import { buttonClass } from "@/ui/button";
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
      {first && templates.data ? (
        <ul aria-label={words.choose} className="flex flex-wrap justify-center gap-2 pb-2">
          {(templates.data ?? []).slice(0, 6).map((t) => (
            <li key={t.id}>
              <Link
                to="/templates/$organization/$template/workspace"
                params={{ organization: t.organization_name, template: t.name }}
                className={buttonClass()}
              >
                <Avatar name={plain(t.display_name || t.name, 64)} src={t.icon} square size={18} />
                {plain(t.display_name || t.name, 64)}
              </Link>
            </li>
          ))}
        </ul>
      ) : null}
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
