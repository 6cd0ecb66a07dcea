import type { Handlers, Sockets } from "./handler";

export const agents: Handlers = {
  "GET /api/v2/workspaceagents/{workspaceagent}/listening-ports": () => ({
    ports: [
      { network: "tcp", port: 3000, process_name: "node" },
      { network: "tcp", port: 8080, process_name: "code-server" },
    ],
  }),
};

export const agentSockets: Sockets = {
  "GET /api/v2/workspaceagents/{workspaceagent}/logs": ({ store, path, query, send }) => {
    const log = (store.agentLogs.get(path.workspaceagent) ?? []).filter((l) => l.id > Number(query.after ?? 0));
    if (log.length > 0) send(log);
    return () => {};
  },
  "GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata-ws": ({ store, send }) => {
    const say = () => send({ type: "data", data: store.metadata });
    const timer = setInterval(say, 2000);
    say();
    return () => clearInterval(timer);
  },
};
