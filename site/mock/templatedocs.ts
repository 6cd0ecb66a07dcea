import type { WorkspaceResource } from "../src/api/generated";
import { makeBuild } from "./builds";
import type { Handlers } from "./handler";
import { resourcesOf } from "./seed";
import { newStore } from "./store";

/** docs is what the import of every version has found. */
export const templateDocs: Handlers = {
  "GET /api/v2/templateversions/{templateversion}/external-auth": () => [
    {
      id: "github",
      type: "github",
      display_name: "GitHub",
      display_icon: "",
      authenticate_url: "http://mock/external-auth/github",
      authenticated: false,
      optional: true,
    },
  ],
  "GET /api/v2/templateversions/{templateversion}/resources": (): WorkspaceResource[] => {
    const who = { id: "", name: "preview", owner_id: "", owner_name: "alice" };
    return resourcesOf(makeBuild(newStore(), who, "start", "alice"));
  },
};
