import type { AgentLog, ProvisionerJobLog, Template, User, Workspace, WorkspaceBuild } from "../src/api/generated";
import type { AgentMetadata } from "../src/api/metadata";
import { type AccountStore, newAccounts } from "./account";
import { type AdminStore, newAdminStore } from "./adminseed";
import { type CreationStore, newCreation } from "./creationstore";
import type { Refusal } from "./handler";
import { type ImportStore, newImports } from "./importstore";
import { newPeople, type PeopleStore } from "./people";
import { newProvisioners, type ProvisionerStore } from "./provisioners";
import { newTemplating, type TemplatingStore } from "./templating";
import type { MockTerminal } from "./terminals";

/** Everything that the mock knows. A test makes its own; nothing of it outlives the process. */
export interface Store {
  users: (User & { password: string })[];
  sessions: Map<string, string>;
  people: PeopleStore;
  templates: Template[];
  workspaces: Workspace[];
  builds: WorkspaceBuild[];
  buildLogs: Map<string, ProvisionerJobLog[]>;
  agentLogs: Map<string, AgentLog[]>;
  metadata: AgentMetadata[];
  admin: AdminStore;
  accounts: AccountStore;
  provisioners: ProvisionerStore;
  templating: TemplatingStore;
  imports: ImportStore;
  creation: CreationStore;
  appHost: string;
  /** How long a build takes, in milliseconds. */
  buildTime: number;
  /** held keeps builds from going on after their third line. */
  held: boolean;
  /** failing names endpoints that answer 500. */
  failing: Set<string>;
  /** Terminals by the id that their page made. */
  terminals: Map<string, MockTerminal>;
  /** renderer is how the deployment says that terminals are drawn. */
  renderer: string;
  /** refusing names endpoints with what they answer. */
  refusing: Map<string, Refusal>;
  /** changed tells the watch streams. */
  changed: Set<() => void>;
}

export function newStore(): Store {
  return {
    users: [],
    sessions: new Map(),
    people: newPeople(),
    templates: [],
    workspaces: [],
    builds: [],
    buildLogs: new Map(),
    agentLogs: new Map(),
    metadata: [],
    admin: newAdminStore(),
    accounts: newAccounts(),
    provisioners: newProvisioners(),
    templating: newTemplating(),
    imports: newImports(),
    creation: newCreation(),
    appHost: "*.apps.example.test",
    buildTime: 1500,
    held: false,
    failing: new Set(),
    terminals: new Map(),
    renderer: "canvas",
    refusing: new Map(),
    changed: new Set(),
  };
}

export function touch(store: Store) {
  for (const listener of store.changed) listener();
}
