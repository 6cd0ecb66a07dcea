import { settingsPages } from "@/components/settingspages";
import { Sided } from "@/components/sided";
import { texts } from "@/lib/texts";

export default function AccountLayout() {
  return <Sided label={texts.yourSettings} links={settingsPages} />;
}
