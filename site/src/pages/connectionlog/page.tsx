import { getRouteApi } from "@tanstack/react-router";
import { useLog } from "@/components/log";
import { LogList } from "@/components/loglist";
import { LogPage } from "@/components/logpage";
import { connectionRows } from "@/components/logrows";
import { LogSearch } from "@/components/logsearch";
import { withTerm } from "@/lib/search";
import { Entry } from "./entry";
import { states, terms, types, words } from "./texts";

const route = getRouteApi("/in/deployment/connectionlog");

export default function ConnectionLogPage() {
  const { filter: q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const log = useLog("GET /api/v2/connectionlog", q, connectionRows);
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
      search={
        <LogSearch
          label={words.search}
          placeholder={words.placeholder}
          value={q}
          onChange={setFilter}
          error={log.badSearch}
          since="connected_after"
          terms={terms}
          choices={[
            { key: "type", label: words.types, all: words.allTypes, values: types },
            { key: "status", label: words.states, all: words.allStates, values: states },
          ]}
        />
      }
    >
      <LogList
        label={words.title}
        rows={log.rows}
        at={(c) => c.connect_time}
        keyOf={(c) => c.id}
        stale={log.stale}
        row={(c) => <Entry entry={c} onNarrow={narrow} />}
      />
    </LogPage>
  );
}
