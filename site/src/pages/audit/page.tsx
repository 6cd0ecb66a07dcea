import { getRouteApi } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { basePath } from "@/api/base";
import { address } from "@/api/client";
import { useLog } from "@/components/log";
import { LogList } from "@/components/loglist";
import { LogPage } from "@/components/logpage";
import { auditRows } from "@/components/logrows";
import { LogSearch } from "@/components/logsearch";
import { withTerm } from "@/lib/search";
import { buttonClass } from "@/ui/button";
import { Tip } from "@/ui/tooltip";
import { Entry } from "./entry";
import { actions, terms, types, words } from "./texts";

const route = getRouteApi("/in/deployment/audit");

export default function AuditPage() {
  const { filter: q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const log = useLog("GET /api/v2/audit", q, auditRows);
  const setFilter = (text: string) => void navigate({ search: { filter: text || undefined }, replace: true });
  const narrow = (key: string, value: string) => void navigate({ search: { filter: withTerm(q, key, value) } });
  return (
    <LogPage
      title={words.title}
      intro={words.intro}
      log={log}
      count={words.count}
      loadFailed={words.loadFailed}
      empty={{ title: words.emptyTitle, text: words.emptyText }}
      noMatch={{ title: words.noMatchTitle, text: words.noMatchText, clear: q ? () => setFilter("") : undefined }}
      actions={
        <Tip text={words.exportTip}>
          <a
            href={basePath + address("GET /api/v2/audit/export", { query: { q } })}
            download="audit.jsonl"
            className={buttonClass()}
          >
            <Download size={15} aria-hidden />
            {words.export}
          </a>
        </Tip>
      }
      search={
        <LogSearch
          label={words.search}
          placeholder={words.placeholder}
          value={q}
          onChange={setFilter}
          error={log.badSearch}
          since="date_from"
          terms={terms}
          choices={[
            { key: "action", label: words.actions, all: words.allActions, values: actions },
            { key: "resource_type", label: words.types, all: words.allTypes, values: types },
          ]}
        />
      }
    >
      <LogList
        label={words.title}
        rows={log.rows}
        at={(e) => e.time}
        keyOf={(e) => e.id}
        stale={log.stale}
        row={(e) => <Entry entry={e} onNarrow={narrow} />}
      />
    </LogPage>
  );
}
