import type {
  CreateWorkspaceBuildRequest,
  PortShare,
  Preset,
  PreviewParameter,
  TemplateVersionExternalAuth,
  WorkspaceACL,
  WorkspacePlan,
  WorkspaceQuota,
} from "../src/api/generated";

/** What the mock knows of the making, changing and sharing of workspaces. */
export interface CreationStore {
  parameters: (inputs: Record<string, string>) => PreviewParameter[];
  presets: Preset[];
  /** Unset, and a cost of 0, leave the answer to what all versions have. */
  auth?: TemplateVersionExternalAuth[];
  quota: WorkspaceQuota;
  cost: number;
  /** The values of workspaces; those that are not here have the examples of values. */
  values: Map<string, Record<string, string>>;
  acl: Map<string, WorkspaceACL>;
  shares: Map<string, PortShare[]>;
  plans: Map<string, WorkspacePlan>;
  /** loses makes plans destroy what a stop keeps. */
  loses: boolean;
  /** built are the wishes of all builds. */
  built: CreateWorkspaceBuildRequest[];
  /** asked are the questions that came over websockets and by requests. */
  asked: { socket: number; request: number };
  /** silent makes websockets of parameters refuse. */
  silent: boolean;
}

type Option = PreviewParameter["options"] extends (infer T)[] | null ? T : never;
const known = (value: string | undefined) => ({ value: value ?? "", valid: value !== undefined });

export function option(name: string, value: string, description = ""): Option {
  return { name, description, value: known(value), icon: "" };
}

/** parameter is one with what most have. */
export function parameter(
  name: string,
  form_type: string,
  fallback: string | undefined,
  more: Partial<PreviewParameter> = {},
): PreviewParameter {
  return {
    name,
    display_name: "",
    description: "",
    type: "string",
    form_type,
    styling: {},
    mutable: true,
    default_value: known(fallback),
    icon: "",
    options: [],
    validations: [],
    required: fallback === undefined,
    order: 0,
    ephemeral: false,
    value: known(fallback),
    diagnostics: [],
    ...more,
  };
}

const limits = (min: number | null, max: number | null, monotonic: string | null = null) => [
  {
    validation_error: "",
    validation_min: min,
    validation_max: max,
    validation_monotonic: monotonic,
    validation_regex: null,
  },
];

function examples(inputs: Record<string, string>): PreviewParameter[] {
  const region = inputs.region ?? "eu-central";
  return [
    parameter("region", "radio", "eu-central", {
      display_name: "Region",
      description: "Where the machine **stands**. The list is [here](https://example.test/regions).",
      mutable: false,
      options: [
        option("Europe", "eu-central", "Frankfurt, near most of us"),
        option("America", "us-east", "Ohio, with `gpu` machines"),
      ],
    }),
    ...(region === "us-east"
      ? [
          parameter("zone", "dropdown", "a", {
            display_name: "Zone",
            options: [option("Zone A", "a", "Newer machines"), option("Zone B", "b")],
          }),
        ]
      : []),
    parameter("cpus", "slider", "4", {
      display_name: "Processors",
      type: "number",
      validations: limits(1, 16, "increasing"),
    }),
    parameter("team", "input", undefined, { display_name: "Team", description: "Whose budget pays." }),
    parameter("notes", "textarea", "", { display_name: "Notes", styling: { placeholder: "For whoever finds this" } }),
    parameter("token", "input", "", {
      display_name: "API token",
      styling: { mask_input: true, placeholder: "tok_…" },
    }),
    parameter("gpu", "switch", "false", { display_name: "Graphics card", type: "bool" }),
    parameter("backup", "checkbox", "true", { display_name: "Nightly backup", type: "bool" }),
    parameter("tools", "multi-select", '["git"]', {
      display_name: "Tools",
      type: "list(string)",
      options: [option("Git", "git"), option("Go", "go"), option("Node", "node"), option("<b>Rust</b>", "rust")],
    }),
    parameter("labels", "tag-select", "[]", { display_name: "Labels", type: "list(string)" }),
    parameter("debug", "checkbox", "false", { display_name: "Debug output", type: "bool", ephemeral: true }),
  ];
}

export function newCreation(): CreationStore {
  const preset = (id: string, Name: string, Description: string, values: Record<string, string>): Preset => ({
    ID: `66666666-6666-4666-8666-66666666666${id}`,
    Name,
    Description,
    Icon: "",
    Default: id === "1",
    DesiredPrebuildInstances: null,
    Parameters: Object.entries(values).map(([n, Value]) => ({ Name: n, Value })),
  });
  return {
    parameters: examples,
    presets: [
      preset("1", "Small", "For a look around", { cpus: "2" }),
      preset("2", "Big", "For builds", { region: "us-east", zone: "b", cpus: "16", gpu: "true" }),
    ],
    quota: { budget: -1, credits_consumed: 0 },
    cost: 0,
    values: new Map(),
    acl: new Map(),
    shares: new Map(),
    plans: new Map(),
    loses: false,
    built: [],
    asked: { socket: 0, request: 0 },
    silent: false,
  };
}
