/** Who is signed in, for every part that asks. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import { Problem, address, get, rememberToken } from "./api/client";
import type { Role, Session } from "./api/types";
import { atLeast } from "./ui/words";

export const SessionContext = createContext<Session | null>(null);

/** Ask the service who this is; null: nobody. */
export async function currentSession(): Promise<Session | null> {
  try {
    const session = await get<Session>(address("session"));
    rememberToken(session.csrf);
    return session;
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 401) return null;
    throw thrown;
  }
}

/** Whether whoever is signed in may do what a role may. */
export function useMay(needed: Role): boolean {
  const session = useContext(SessionContext);
  return session !== null && atLeast(session.user.role, needed);
}

const REFUSED = "ctsieve_refused=";

/** Why the institution's sign-in was refused, told once; null: it was not. */
export function refusal(): Problem | null {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith(REFUSED));
  if (!cookie) return null;
  document.cookie = `${REFUSED}; Max-Age=0; Path=/; SameSite=Lax`;
  try {
    // A cookie's value may stand in quotation marks.
    const text = decodeURIComponent(cookie.slice(REFUSED.length).replaceAll('"', ""));
    const said = JSON.parse(text) as { detail: string; hint: string };
    return new Problem(401, "Not signed in", said.detail, said.hint);
  } catch {
    return null;
  }
}
