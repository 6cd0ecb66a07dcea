import { useSuspenseQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { me } from "@/api/queries";
import { accountTheme, followAccount } from "@/hooks/theme";

/** useAccountTheme shows the page in the theme of the account, also after it was changed elsewhere. */
export function useAccountTheme() {
  const theme = accountTheme(useSuspenseQuery(me()).data.theme_preference);
  useEffect(() => followAccount(theme), [theme]);
}
