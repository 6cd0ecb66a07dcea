// Sets the theme before anything is painted. src/hooks/theme.ts writes what it reads.
try {
  const chosen = localStorage.getItem("theme") ?? localStorage.getItem("account-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing gets the theme of its system.
}
