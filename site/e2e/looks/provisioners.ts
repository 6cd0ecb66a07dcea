import type { Look } from "../look";

const as = "alice";
const at = "/organizations/default";

export const looks: Look[] = [
  {
    name: "provisioners",
    path: `${at}/provisioners?offline=true`,
    as,
    ready: (p) => p.getByText("cloud-b-2").waitFor(),
  },
  {
    name: "provisioners-none",
    path: `${at}/provisioners`,
    as,
    prepare: (store) => {
      store.provisioners.daemons = [];
    },
    ready: (p) => p.getByText("coder provisioner start").waitFor(),
  },
  { name: "provisioners-refused", path: `${at}/provisioners`, as: "bob", ready: (p) => p.getByRole("alert").waitFor() },
  {
    name: "jobs",
    path: `${at}/provisioner-jobs`,
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: "Details of Import docker" }).click();
      await p.getByText("<script>alert(1)</script>").waitFor();
    },
  },
  {
    name: "job-waiting",
    path: `${at}/provisioner-jobs?status=pending`,
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: "Details of Start api" }).click();
      await p.getByText("No provisioner with tags cloud=c is online.").waitFor();
      await p.getByRole("link", { name: "alice/api" }).waitFor();
    },
  },
  { name: "keys", path: `${at}/provisioner-keys`, as, ready: (p) => p.getByText("1 of 2 online").waitFor() },
  {
    name: "key-made",
    path: `${at}/provisioner-keys`,
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: "New key" }).click();
      await p.getByLabel("Name").fill("cloud-c");
      await p.getByLabel("Tags").fill("cloud=c");
      await p.getByRole("button", { name: "Make the key" }).click();
      await p.getByText("shown this once").waitFor();
    },
  },
  {
    name: "key-delete",
    path: `${at}/provisioner-keys`,
    as,
    ready: async (p) => {
      await p.getByRole("button", { name: "Delete cloud-b" }).click();
      await p.getByLabel("Type cloud-b to confirm").waitFor();
    },
  },
];
