import "./ui/theme.css";
import "@xterm/xterm/css/xterm.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { basePath } from "./api/base";
import { onExpired } from "./api/client";
import { newQueryClient } from "./api/queries";
import { hearTabs } from "./components/session";
import { Terminal } from "./pages/terminal/page";
import { readPlace } from "./pages/terminal/place";
import { Toasts } from "./ui/toast";
import { TipProvider } from "./ui/tooltip";

// The document of terminals. It is not a page of the dashboard because the library that
// draws them writes style elements, which the policy of the dashboard forbids.

const client = newQueryClient();

onExpired(() => {
  const back = window.location.href.slice(window.location.origin.length + basePath.length);
  window.location.replace(`${basePath}/login?redirect=${encodeURIComponent(back)}`);
});
hearTabs();

// Not in StrictMode: what it does twice would open each terminal twice.
createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={client}>
    <TipProvider>
      <Toasts>
        <Terminal place={readPlace(window.location.pathname.slice(basePath.length), window.location.search)} />
      </Toasts>
    </TipProvider>
  </QueryClientProvider>,
);
