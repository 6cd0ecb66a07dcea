export const words = {
  area: "Deployment",
} as const;
