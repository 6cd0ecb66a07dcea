import "./ui/theme.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, onExpired } from "./api/client";
import { me, newQueryClient } from "./api/queries";
import { hearTabs } from "./components/session";
import { newRouter } from "./routes";
import { Toasts } from "./ui/toast";
import { TipProvider } from "./ui/tooltip";

const client = newQueryClient();
const router = newRouter(client);

onExpired(() => {
  // Before anybody is known, the route asks and leads to the login by itself.
  if (!client.getQueryData(me().queryKey)) return;
  const at = router.latestLocation;
  client.clear();
  void router.navigate({ to: "/login", search: { redirect: at.href }, replace: true });
});
hearTabs();

const root = createRoot(document.getElementById("root")!, {
  // A refusal of the server that a page shows is no fault of the page.
  onCaughtError: (error) => {
    if (!(error instanceof ApiError)) console.error(error);
  },
});
root.render(
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
