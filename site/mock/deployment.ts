import type { Handlers } from "./handler";

export const deployment: Handlers = {
  "GET /api/v2/buildinfo": () => ({
    agent_api_version: "2.0",
    dashboard_url: "",
    deployment_id: "22222222-2222-4222-8222-222222222222",
    external_url: "",
    provisioner_api_version: "1.0",
    telemetry: false,
    upgrade_message: "",
    version: "v0.1.0-mock",
    workspace_proxy: false,
  }),
  "GET /api/v2/applications/host": ({ store }) => ({ host: store.appHost }),
};
