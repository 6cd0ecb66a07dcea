export const words = {
  title: "Sign in",
  email: "E-mail",
  password: "Password",
  submit: "Sign in",
  failed: "You are not signed in",
  noPassword:
    "Signing in with a password is switched off on this server. Use the command line with a token: coder login --token.",
  terms: "Terms of service",
  expired: "Sign in to go on where you were.",
} as const;
