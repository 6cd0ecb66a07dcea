import { useSuspenseQuery } from "@tanstack/react-query";
import { me } from "@/api/queries";
import { PageHead } from "@/components/pagehead";
import { Card } from "@/ui/bits";
import { Password } from "./password";
import { Sessions } from "./sessions";
import { loginTypeText, words } from "./texts";

export default function SecurityPage() {
  const user = useSuspenseQuery(me()).data;
  return (
    <>
      <PageHead title={words.security} text={words.securityText} />
      <Card title={words.password} className="max-w-xl">
        {user.login_type === "password" ? (
          <Password />
        ) : (
          <p className="px-4 py-4 text-muted">{words.noPassword(loginTypeText[user.login_type] ?? user.login_type)}</p>
        )}
      </Card>
      <Sessions />
    </>
  );
}
