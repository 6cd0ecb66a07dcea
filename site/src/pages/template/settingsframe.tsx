import type { ReactNode } from "react";
import type { Template } from "@/api/generated";
import { LinkTabs } from "@/components/linktabs";
import { noRight } from "@/components/may";
import { usePlace, useRights } from "./data";
import { words } from "./texts";

const tabs = [
  { to: "/templates/$organization/$template/settings", label: words.general, exact: true },
  { to: "/templates/$organization/$template/settings/variables", label: words.variables },
  { to: "/templates/$organization/$template/settings/permissions", label: words.permissions },
] as const;

/** SettingsFrame stands above the pages of settings, and says where the person may only look. */
export function SettingsFrame({ template, children }: { template: Template; children: ReactNode }) {
  const place = usePlace();
  const refused = noRight(useRights(template).update);
  return (
    <div className="flex flex-col gap-5">
      <LinkTabs label={words.settingsTabs} tabs={tabs.map((tab) => ({ ...tab, params: place }))} look="pills" />
      {refused ? (
        <p role="note" className="rounded-lg bg-sunken px-4 py-2.5 text-muted">
          {words.noRightTitle}. {refused}
        </p>
      ) : null}
      {children}
    </div>
  );
}
