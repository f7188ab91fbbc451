/** Header with navigation, the notice, and the footer. */

import type { ComponentChildren, JSX } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

import { address, remove } from "./api/client";
import type { Role } from "./api/types";
import { SessionContext } from "./session";
import { type Theme, applyTheme, chosenTheme } from "./theme";
import { atLeast } from "./ui/words";

export const NOTICE = "Research use only. Not a medical device. Not for diagnosis or treatment.";

const LINKS: readonly (readonly [string, string, Role])[] = [
  ["/", "Worklist", "viewer"],
  ["/upload", "Upload", "clinician"],
  ["/review", "Review", "clinician"],
  ["/models", "Models", "viewer"],
  ["/admin", "Admin", "admin"],
  ["/help", "Help", "viewer"],
];

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "as the system"],
  ["light", "light"],
  ["dark", "dark"],
];

function ThemeSwitch(): JSX.Element {
  const [theme, setTheme] = useState(chosenTheme());
  return (
    <label class="theme">
      <span>Colours</span>
      <select
        value={theme}
        onChange={(event) => {
          const next = event.currentTarget.value as Theme;
          applyTheme(next);
          setTheme(next);
        }}
      >
        {THEMES.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function here(path: string, link: string): boolean {
  return link === "/" ? path === "/" || path.startsWith("/studies") : path.startsWith(link);
}

function Navigation({ path }: { path: string }): JSX.Element | null {
  const session = useContext(SessionContext);
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  if (!session) return null;
  return (
    <>
      <button
        class="menu-button"
        type="button"
        aria-expanded={open}
        aria-controls="navigation"
        onClick={() => setOpen(!open)}
      >
        Menu
      </button>
      <nav id="navigation" class={open ? "is-open" : ""} aria-label="Pages">
        <ul>
          {LINKS.filter(([, , role]) => atLeast(session.user.role, role)).map(([link, text]) => (
            <li key={link}>
              <a href={link} aria-current={here(path, link) ? "page" : undefined}>
                {text}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}

/** Everything around a page. */
export function Shell(props: {
  path: string;
  onSignedOut: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const session = useContext(SessionContext);
  const leave = (): void => {
    void remove(address("session")).finally(props.onSignedOut);
  };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <p class="notice" role="note">
        {NOTICE}
      </p>
      <header class="shell-head">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="28" height="28" />
          ctsieve <span>chest CT screening</span>
        </a>
        <Navigation path={props.path} />
        {session && (
          <div class="who">
            <span class="who-name">
              {session.user.name} <small>{session.workspace.name}</small>
            </span>
            <button type="button" class="plain" onClick={leave}>
              Sign out
            </button>
          </div>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {props.children}
      </main>
      <footer>
        <p>
          {NOTICE} Nothing on this page is loaded from, or sent to, any other machine than the
          service's own.
        </p>
        <ThemeSwitch />
      </footer>
    </>
  );
}
