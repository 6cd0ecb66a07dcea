import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { Read } from "@/api/queries";
import { toast } from "@/ui/toast";
import { toastError } from "./apierror";

interface Options<T, V> {
  /** stale are the endpoints whose answers the change makes old. */
  stale: readonly Read[];
  /** done is told when it worked. */
  done?: string;
  /** failed is told when it did not. Forms leave it out: they show the error themselves. */
  failed?: string;
  after?: (out: T, given: V) => void;
}

/** useChange is a mutation with what belongs to each: fresh data, and a word on how it went. */
export function useChange<T, V = void>(work: (given: V) => Promise<T>, { stale, done, failed, after }: Options<T, V>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    onSuccess: (out, given) => {
      for (const key of stale) void client.invalidateQueries({ queryKey: [key] });
      if (done) toast({ tone: "ok", title: done });
      after?.(out, given);
    },
    onError: (error) => {
      if (failed) toastError(failed, error);
    },
  });
}
