import { Link } from "@tanstack/react-router";
import { basePath } from "@/api/base";
import { Empty } from "@/ui/bits";
import { buttonClass } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { words } from "./texts";

/** FirstTemplate teaches how a template comes to the server. */
export function FirstTemplate({ mayCreate }: { mayCreate: boolean }) {
  if (!mayCreate) return <Empty title={words.emptyTitle} text={words.emptyNone} />;
  const steps = [
    [words.step1, `coder login ${window.location.origin}${basePath}`],
    [words.step2, "coder templates init my-template"],
    [words.step3, "coder templates push my-template --directory my-template"],
  ] as const;
  return (
    <Empty title={words.emptyTitle} text={words.emptyText}>
      <Link to="/templates/new" className={`${buttonClass()} self-center`}>
        {words.fromExample}
      </Link>
      <ol className="flex flex-col gap-4 pt-2">
        {steps.map(([what, command]) => (
          <li key={what} className="flex min-w-0 flex-col gap-1.5">
            <p>{what}</p>
            <CodeBlock code={command} label={what} />
          </li>
        ))}
      </ol>
    </Empty>
  );
}
