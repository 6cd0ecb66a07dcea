import type { TemplateExample } from "../src/api/generated";

/** starters are those of a server, and one whose words are hostile. */
export const starters: TemplateExample[] = [
  {
    id: "docker",
    name: "Docker containers",
    description: "Run each workspace in a container of the provisioner's Docker engine",
    icon: "/icon/docker.png",
    tags: ["container", "docker"],
    markdown: "# Docker containers\n\nA workspace is a container of the Docker engine.\n\n- It keeps its home.\n",
    url: "",
  },
  {
    id: "kubernetes",
    name: "Kubernetes pods",
    description: "Run each workspace in a pod, with a volume for its home directory",
    icon: "/icon/k8s.png",
    tags: ["container", "kubernetes"],
    markdown: "# Kubernetes pods\n\nA workspace is a deployment with one pod.\n",
    url: "",
  },
  {
    id: "odd",
    name: "<img src=x onerror=alert(1)> \u202eodd",
    description: `\u001b[31m<script>alert(1)</script>${"endless ".repeat(200)}`,
    icon: "javascript:alert(1)",
    tags: ["<b>tag</b>", "x".repeat(200)],
    markdown: `<script>alert(1)</script>\n[click](javascript:alert(1))\n${"long ".repeat(5000)}`,
    url: "",
  },
];
