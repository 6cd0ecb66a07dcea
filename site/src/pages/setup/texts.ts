export const words = {
  title: "Set up this server",
  text: "Make the first account. It owns the deployment and invites the others.",
  username: "User name",
  usernameHint: "Letters, digits and hyphens. It is part of addresses.",
  email: "E-mail",
  password: "Password",
  passwordHint: "Long is better than odd.",
  submit: "Make the account",
  failed: "The account was not made",
} as const;
