import { type Components, toJsxRuntime } from "hast-util-to-jsx-runtime";
import { memo, type ReactNode, useEffect, useMemo, useState } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";
import { cx } from "@/lib/cx";
import { safeLink } from "@/lib/link";
import type { MarkNode } from "@/lib/markdown";
import { plain } from "@/lib/plain";
import { ownImage, Skeleton } from "./bits";
import { CodeBlock } from "./codeblock";

/** Longer texts, in characters, are shown as they are written: reading them as Markdown takes too long. */
const longest = 150_000;

/** How long reading may take, in milliseconds, before the text is shown as it is written. */
const patience = 10_000;

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  return Array.isArray(node) ? node.map(textOf).join("") : "";
}

const heading = (level: 2 | 3 | 4 | 5) => {
  const Tag = `h${level}` as const;
  const size = { 2: "text-lg", 3: "text-[0.9375rem]", 4: "text-base", 5: "text-sm" }[level];
  return ({ children }: { children?: ReactNode }) => (
    <Tag className={cx("mt-3 font-semibold tracking-tight first:mt-0", size)}>{children}</Tag>
  );
};

// Headings stand one level lower: the page has its own h1.
const parts: Components = {
  h1: heading(2),
  h2: heading(3),
  h3: heading(4),
  h4: heading(5),
  h5: heading(5),
  h6: heading(5),
  p: ({ children }) => <p className="leading-6">{children}</p>,
  ul: ({ children, className }) => (
    <ul className={cx("flex flex-col gap-1 pl-5 leading-6", className ? "list-none pl-1" : "list-disc")}>{children}</ul>
  ),
  ol: ({ children, start }) => (
    <ol start={start} className="flex list-decimal flex-col gap-1 pl-6 leading-6">
      {children}
    </ol>
  ),
  blockquote: ({ children }) => (
    <blockquote className="flex flex-col gap-2 border-line-strong border-l-2 pl-4 text-muted">{children}</blockquote>
  ),
  hr: () => <hr className="my-2 border-line" />,
  a: ({ href, children }) => {
    const to = safeLink(href);
    if (!to) return <span>{children}</span>;
    return (
      <a
        href={to}
        target="_blank"
        rel="noreferrer noopener nofollow"
        className="rounded-sm text-accent underline underline-offset-2 hover:text-accent-strong"
      >
        {children}
      </a>
    );
  },
  img: ({ src, alt }) => <Picture src={typeof src === "string" ? src : undefined} alt={alt ?? ""} />,
  // A list of tasks has boxes that only show.
  input: ({ checked }) => (
    <input
      type="checkbox"
      checked={Boolean(checked)}
      readOnly
      disabled
      aria-label="Task"
      className="mr-2 align-middle"
    />
  ),
  code: ({ children }) => <code className="rounded-sm bg-hover px-1 py-px font-mono text-[0.8125em]">{children}</code>,
  pre: ({ children }) => <CodeBlock code={codeOf(children)} label="Code" />,
  table: ({ children }) => (
    <div className="overflow-x-auto rounded-md border border-line" tabIndex={0} role="group" aria-label="Table">
      <table className="w-full border-collapse text-left">{children}</table>
    </div>
  ),
  th: ({ children, style }) => (
    <th style={style} className="border-line border-b bg-sunken px-3 py-1.5 font-medium text-muted text-sm">
      {children}
    </th>
  ),
  td: ({ children, style }) => (
    <td style={style} className="border-line border-b px-3 py-1.5 align-top [tr:last-child>&]:border-b-0">
      {children}
    </td>
  ),
};

function codeOf(children: ReactNode): string {
  const inner = Array.isArray(children) ? children[0] : children;
  const text =
    inner && typeof inner === "object" && "props" in inner
      ? textOf((inner.props as { children?: ReactNode }).children)
      : textOf(children);
  return text.replace(/\n$/, "");
}

/** Picture shows what this origin has. Others would tell strangers who looks: they become links. */
function Picture({ src, alt }: { src: string | undefined; alt: string }) {
  const own = ownImage(src);
  if (own) return <img src={own} alt={alt} loading="lazy" className="inline-block max-h-96 max-w-full rounded-sm" />;
  const to = safeLink(src);
  if (!to) return <span className="text-muted">{alt}</span>;
  return (
    <a
      href={to}
      target="_blank"
      rel="noreferrer noopener nofollow"
      className="text-accent underline underline-offset-2"
    >
      {alt || "Picture"}
    </a>
  );
}

const AsWritten = ({ text }: { text: string }) => (
  <pre className="whitespace-pre-wrap break-words font-mono text-sm [font-variant-ligatures:none]">{text}</pre>
);

/** Reading is the tree of text, "given up", or undefined as long as it is read. */
type Reading = { text: string; tree: MarkNode | "given up" };

/** useTree reads text in a worker: there is Markdown that would stop the page for minutes. */
function useTree(text: string): MarkNode | "given up" | undefined {
  const [reading, setReading] = useState<Reading>();
  useEffect(() => {
    const worker = new Worker(new URL("./markdownworker.ts", import.meta.url), { type: "module" });
    const end = (tree: Reading["tree"]) => {
      worker.terminate();
      clearTimeout(timer);
      setReading({ text, tree });
    };
    const timer = setTimeout(() => end("given up"), patience);
    worker.onmessage = (event: MessageEvent<MarkNode | undefined>) => end(event.data ?? "given up");
    worker.onerror = () => end("given up");
    worker.postMessage(text);
    return () => {
      clearTimeout(timer);
      worker.terminate();
    };
  }, [text]);
  return reading?.text === text ? reading.tree : undefined;
}

/**
 * Markdown shows foreign text as elements. There is no HTML in it, links go through
 * safeLink, pictures come from here alone.
 */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const clean = useMemo(() => plain(text, 1 << 20), [text]);
  if (clean.length > longest) return <AsWritten text={clean} />;
  return <Read text={clean} />;
});

function Read({ text }: { text: string }) {
  const tree = useTree(text);
  const shown = useMemo(
    () =>
      tree && tree !== "given up"
        ? toJsxRuntime(tree as Parameters<typeof toJsxRuntime>[0], {
            Fragment,
            jsx,
            jsxs,
            components: parts,
            ignoreInvalidStyle: true,
          })
        : undefined,
    [tree],
  );
  if (tree === "given up") return <AsWritten text={text} />;
  if (!shown) return <Skeleton className="h-40" />;
  return <div className="flex min-w-0 flex-col gap-3 break-words">{shown}</div>;
}
