import "./ui/theme.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { onExpired } from "./api/client";
import { newQueryClient } from "./api/queries";
import { hearTabs } from "./components/session";
import { newRouter } from "./routes";
import { Toasts } from "./ui/toast";
import { TipProvider } from "./ui/tooltip";

const client = newQueryClient();
const router = newRouter(client);

onExpired(() => {
  const at = router.latestLocation;
  if (at.pathname === "/login" || at.pathname === "/setup" || router.state.isLoading) return; // the route says it
  client.clear();
  void router.navigate({ to: "/login", search: { redirect: at.href }, replace: true });
});
hearTabs();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <TipProvider>
        <Toasts>
          <RouterProvider router={router} />
        </Toasts>
      </TipProvider>
    </QueryClientProvider>
  </StrictMode>,
);
