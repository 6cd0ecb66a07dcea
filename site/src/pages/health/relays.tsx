import { useQuery } from "@tanstack/react-query";
import type { Region } from "@/api/generated";
import { read } from "@/api/queries";
import { Facts } from "@/components/loglist";
import { plain } from "@/lib/plain";
import { words } from "./texts";

/** Relays are those that the server tells its agents and clients of. */
export function Relays() {
  const { data } = useQuery({ ...read("GET /api/v2/workspaceagents/connection"), staleTime: 60_000 });
  if (!data) return null;
  const regions = Object.entries(data.derp_map.regions ?? {}).slice(0, 100);
  const list = (
    <ul key="relays" className="flex flex-col gap-2">
      {regions.map(([id, region]) => (
        <li key={id}>
          <span className="font-medium">{words.region(plain(region.name || id, 64), plain(region.code, 32))}</span>
          <ul className="wrap-anywhere font-mono text-muted text-sm">
            {linesOf(region).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
  return (
    <Facts
      facts={[
        [words.relays, regions.length > 0 ? list : words.noRelays],
        [
          words.direct,
          data.derp_map.block_direct || data.disable_direct_connections ? words.directOff : words.directOn,
        ],
      ]}
    />
  );
}

/** linesOf are the addresses of a region, each once: its relays, then its STUN servers. */
function linesOf(region: Region): string[] {
  const nodes = (region.nodes ?? []).slice(0, 50);
  const relays = nodes.map((node) => plain(node.url || words.ownServer, 300));
  const stuns = nodes.flatMap((node) => (node.stun ? [words.stun(plain(node.stun, 300))] : []));
  return [...new Set([...relays, ...stuns])];
}
