import { useMutation, useQueryClient } from "@tanstack/react-query";
import { basePath } from "@/api/base";
import { request } from "@/api/client";
import { toastError } from "./apierror";

const channel = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("session");

/** tellTabs makes other tabs of this browser load again, as whoever is signed in now. */
export function tellTabs() {
  channel?.postMessage("changed");
}

/** hearTabs loads this page again when another tab signs in or out. */
export function hearTabs() {
  if (channel) channel.onmessage = () => window.location.reload();
}

/** useSignOut ends the session and leaves nothing of it in this page. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => request("POST /api/v2/users/logout"),
    onSuccess: () => {
      client.clear();
      tellTabs();
      window.location.assign(`${basePath}/login`);
    },
    onError: (error) => toastError("You are still signed in", error),
  });
}
