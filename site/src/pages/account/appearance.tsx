import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId } from "react";
import { request } from "@/api/client";
import type { UpdateUserAppearanceSettingsRequest, User, UserAppearanceSettings } from "@/api/generated";
import { keyOf, me, read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { accountTheme, followAccount, forgetChoice, type Theme, useChosenHere } from "@/hooks/theme";
import { texts } from "@/lib/texts";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { RadioCards } from "@/ui/choices";
import { Field, Select } from "@/ui/field";
import { words } from "./texts";

const place = { path: { user: "me" } };
const key = keyOf("GET /api/v2/users/{user}/appearance", place);

const names: Record<Theme, string> = { system: texts.themeSystem, light: texts.themeLight, dark: texts.themeDark };

/** asSent is how the API names a theme. */
const asSent = {
  system: { theme_preference: "auto", theme_mode: "sync", theme_light: "light", theme_dark: "dark" },
  light: { theme_preference: "light", theme_mode: "single", theme_light: "light" },
  dark: { theme_preference: "dark", theme_mode: "single", theme_dark: "dark" },
} as const;

type Font = UpdateUserAppearanceSettingsRequest["terminal_font"];
const fonts: readonly (readonly [Font, string])[] = [
  ["", "JetBrains Mono"],
  ["fira-code", "Fira Code"],
  ["geist-mono", "Geist Mono"],
  ["ibm-plex-mono", "IBM Plex Mono"],
  ["source-code-pro", "Source Code Pro"],
];

export default function AppearancePage() {
  const saved = useQuery(read("GET /api/v2/users/{user}/appearance", place));
  return (
    <>
      <PageHead title={words.appearance} text={words.appearanceText} />
      {saved.error ? <ApiErrorBox error={saved.error} onRetry={() => void saved.refetch()} /> : null}
      {saved.isPending ? <Skeleton className="h-64 max-w-xl" /> : null}
      {saved.data ? <Choices saved={saved.data} /> : null}
    </>
  );
}

function Choices({ saved }: { saved: UserAppearanceSettings }) {
  const label = useId();
  const theme = useSave(saved, words.themeFailed);
  const font = useSave(saved, words.fontFailed);
  const own = useChosenHere();
  const now = accountTheme(saved.theme_preference);
  const choose = (next: Theme) => {
    // Who chooses here wants to see it here.
    forgetChoice();
    followAccount(next);
    theme.mutate(asSent[next], { onError: () => followAccount(now) });
  };
  const follow = () => {
    forgetChoice();
    followAccount(now);
  };
  return (
    <Card className="max-w-xl">
      <div className="flex flex-col gap-5 px-4 py-4">
        <div className="flex flex-col gap-1.5">
          <h2 id={label} className="font-medium text-sm">
            {words.theme}
          </h2>
          <RadioCards
            label={label}
            value={now}
            onChange={(v) => choose(v as Theme)}
            choices={(Object.keys(names) as Theme[]).map((t) => ({
              value: t,
              title: names[t],
              text: words.themeText[t],
            }))}
          />
          {own && own !== now ? (
            <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
              <span className="min-w-0 flex-1 basis-60">{words.browserOwn(names[own])}</span>
              <Button size="sm" onClick={follow}>
                {words.browserFollow}
              </Button>
            </div>
          ) : null}
        </div>
        <Field label={words.font} hint={words.fontHint}>
          <Select
            className="max-w-60"
            value={fonts.some(([f]) => f === saved.terminal_font) ? saved.terminal_font : ""}
            onChange={(e) => font.mutate({ terminal_font: e.target.value as Font })}
          >
            {fonts.map(([f, name]) => (
              <option key={f} value={f}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
    </Card>
  );
}

/** useSave shows a change before the server has it, and takes it back where the server refuses. */
function useSave(saved: UserAppearanceSettings, failed: string) {
  const client = useQueryClient();
  return useChange(
    async (change: Partial<UpdateUserAppearanceSettingsRequest>) => {
      const next = { ...saved, ...change };
      client.setQueryData<UserAppearanceSettings>(key, next);
      client.setQueryData<User>(me().queryKey, (u) => u && { ...u, theme_preference: next.theme_preference });
      const body = { terminal_font: saved.terminal_font as Font, theme_preference: saved.theme_preference, ...change };
      try {
        return await request("PUT /api/v2/users/{user}/appearance", { ...place, body });
      } catch (error) {
        client.setQueryData(key, saved);
        client.setQueryData<User>(me().queryKey, (u) => u && { ...u, theme_preference: saved.theme_preference });
        throw error;
      }
    },
    { stale: ["GET /api/v2/users/{user}/appearance"], failed },
  );
}
