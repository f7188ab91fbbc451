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
