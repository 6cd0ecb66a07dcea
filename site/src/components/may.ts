import { queryOptions, useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { AuthorizationCheck } from "@/api/generated";

/** Checks are questions under names of one's choice: may the person do action with object? */
export type Checks<K extends string> = Record<K, AuthorizationCheck>;

/** Answers by the same names; undefined as long as nothing is known, or when asking has failed. */
export type Answers<K extends string> = Partial<Record<K, boolean>>;

/** may is the query behind useMay, for loaders. The API takes 100 questions at once. */
export const may = <K extends string>(checks: Checks<K>) =>
  queryOptions({
    queryKey: ["POST /api/v2/authcheck", checks] as const,
    queryFn: ({ signal }) => request("POST /api/v2/authcheck", { body: { checks }, signal }) as Promise<Answers<K>>,
    staleTime: 60_000,
  });

const unknown = {};

/**
 * useMay asks the server what the person may do:
 *
 *   const can = useMay({ edit: { action: "update", object: { resource_type: "template", resource_id: id } } });
 *   <Button reason={noRight(can.edit)}>Save</Button>
 *
 * It only decides what a page offers; the server decides again, and its refusal is shown.
 */
export function useMay<K extends string>(checks: Checks<K>): Answers<K> {
  return useQuery(may(checks)).data ?? (unknown as Answers<K>);
}

/** noRight is the reason of a button that the person has no right to use, undefined where they have it. */
export function noRight(allowed: boolean | undefined): string | undefined {
  return allowed === false ? "Your role does not allow this." : undefined;
}
