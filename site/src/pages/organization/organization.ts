import { useSuspenseQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { read } from "@/api/queries";

const route = getRouteApi("/in/organizations/$organization");

/** useOrganization is the one of the address. The layout has it before its pages are drawn. */
export function useOrganization() {
  const { organization } = route.useParams();
  return useSuspenseQuery(read("GET /api/v2/organizations/{organization}", { path: { organization } })).data;
}
