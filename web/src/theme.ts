/** Light, dark, or what the system says; remembered in this browser. */

export type Theme = "system" | "light" | "dark";

const KEY = "ctsieve-theme";

/** The theme chosen before. */
export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** Use a theme from now on. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset["theme"] = theme;
}
