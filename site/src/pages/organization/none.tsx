import { Empty } from "@/ui/bits";
import { words } from "./texts";

export default function NoOrganization() {
  return <Empty title={words.noneTitle} text={words.noneText} />;
}
