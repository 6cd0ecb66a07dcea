import { ApiErrorBox } from "@/components/apierror";
import { Card, Empty, Skeleton } from "@/ui/bits";
import { CodeBlock } from "@/ui/codeblock";
import { Markdown } from "@/ui/markdown";
import { useTemplate, useVersion } from "./data";
import { words } from "./texts";

/** What stands between --- at the beginning is for tools. */
const frontMatter = /^---\r?\n[\s\S]{0,20000}?\r?\n---[ \t]*(\r?\n|$)/;

export default function TemplateReadme() {
  const template = useTemplate();
  const { data: version, error, refetch } = useVersion(template);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!version) return <Skeleton className="h-72" />;
  const text = version.readme.replace(frontMatter, "").trim();
  if (!text) {
    return (
      <div className="min-w-0">
        <Empty title={words.noReadmeTitle} text={words.noReadmeText}>
          <CodeBlock code={`coder templates push ${template.name} --directory .`} label={words.noReadmePush} />
        </Empty>
      </div>
    );
  }
  return (
    <Card className="max-w-4xl">
      <article aria-label={words.readme} className="px-5 py-5 sm:px-8 sm:py-7">
        <Markdown text={text} />
      </article>
    </Card>
  );
}
