import type { ProvisionerJobLog, TemplateVersion, TemplateVersionVariable } from "../src/api/generated";

/** Imported is a version with what its import has said and found. */
export interface Imported {
  version: TemplateVersion;
  /** values are what a person has given for variables. */
  values: Record<string, string>;
  log: ProvisionerJobLog[];
  variables: TemplateVersionVariable[];
  /** found are the resources and parameters in its files, by name. */
  resources: string[];
  parameters: string[];
}

/** What the mock knows of archives and of the versions that are made of them. */
export interface ImportStore {
  files: Map<string, Blob>;
  versions: Map<string, Imported>;
  /** How long an import takes, in milliseconds; held keeps it from ending. */
  time: number;
  held: boolean;
}

export const newImports = (): ImportStore => ({ files: new Map(), versions: new Map(), time: 400, held: false });
