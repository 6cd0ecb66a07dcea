import { marks } from "@/lib/marks";

/** Prose is a description of a template: text, with the little of Markdown that marks knows. */
export function Prose({ text }: { text: string }) {
  return (
    <span className="whitespace-pre-line break-words">
      {marks(text.trim()).map((m, i) => {
        // The parts of a text have nothing else to be told apart by.
        const key = `${i} ${m.kind}`;
        if (m.kind === "strong") return <strong key={key}>{m.text}</strong>;
        if (m.kind === "code")
          return (
            <code key={key} className="rounded-sm bg-sunken px-1 font-mono">
              {m.text}
            </code>
          );
        if (m.kind === "link")
          return (
            <a key={key} href={m.href} target="_blank" rel="noreferrer noopener" className="text-accent underline">
              {m.text}
            </a>
          );
        return <span key={key}>{m.text}</span>;
      })}
    </span>
  );
}
