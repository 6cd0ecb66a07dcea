export const words = {
  title: "New organization",
  text: "An organization has its own templates, workspaces, provisioners, groups and roles. You will be its administrator.",
  create: "Create organization",
  failed: "The organization was not made",
  made: (name: string) => `${name} is made`,
  command: "coder organizations create acme",
  orCommand: "Or from the command line",
} as const;
