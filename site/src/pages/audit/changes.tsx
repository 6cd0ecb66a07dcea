import { plain } from "@/lib/plain";
import { words } from "./texts";

interface Change {
  field: string;
  before: string;
  after: string;
  secret: boolean;
}

/** Characters of a value that are shown. */
const longest = 2000;

function textOf(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  return plain(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), longest);
}

/** changesOf reads a diff, whose shape nobody promises. */
export function changesOf(diff: unknown): Change[] {
  if (typeof diff !== "object" || diff === null || Array.isArray(diff)) return [];
  return Object.entries(diff)
    .filter((entry): entry is [string, Record<string, unknown>] => typeof entry[1] === "object" && entry[1] !== null)
    .map(([field, change]) => ({
      field: plain(field, 64),
      before: textOf(change.old),
      after: textOf(change.new),
      secret: change.secret === true,
    }))
    .sort((a, b) => a.field.localeCompare(b.field));
}

/** Changes are the fields of an entry with what they were and what they are. */
export function Changes({ diff }: { diff: unknown }) {
  const changes = changesOf(diff);
  if (changes.length === 0) return <p className="text-muted text-sm">{words.noChanges}</p>;
  return (
    <div className="overflow-hidden rounded-md border border-line bg-surface">
      <table className="w-full table-fixed text-sm">
        <caption className="sr-only">{words.changes}</caption>
        <thead className="bg-sunken text-left text-muted text-xs">
          <tr className="border-line border-b">
            <th scope="col" className="w-[30%] px-3 py-1.5 font-medium">
              {words.field}
            </th>
            <th scope="col" className="px-3 py-1.5 font-medium">
              {words.before}
            </th>
            <th scope="col" className="px-3 py-1.5 font-medium">
              {words.after}
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((c) => (
            <tr key={c.field} className="border-line align-top not-last:border-b">
              <th scope="row" className="break-words px-3 py-1.5 text-left font-medium">
                {c.field}
              </th>
              {c.secret ? (
                <td colSpan={2} className="px-3 py-1.5 text-muted italic">
                  {words.secret}
                </td>
              ) : (
                <>
                  <Value text={c.before} look={c.before ? "bg-bad-soft text-bad" : ""} />
                  <Value text={c.after} look={c.after ? "bg-ok-soft text-ok" : ""} />
                </>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Value = ({ text, look }: { text: string; look: string }) => (
  <td className="break-all px-3 py-1.5 font-mono">
    {text ? (
      <span className={`whitespace-pre-wrap rounded-sm box-decoration-clone px-1 ${look}`}>{text}</span>
    ) : (
      <span className="text-muted">{words.none}</span>
    )}
  </td>
);
