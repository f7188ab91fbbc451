/** The frame around every page: notice, navigation, who is signed in, which page. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { rememberToken, whenSignedOut } from "./api/client";
import type { Session } from "./api/types";
import { Admin } from "./pages/admin";
import { BatchPage } from "./pages/batch";
import { Contribute } from "./pages/contribute";
import { Help } from "./pages/help";
import { Models } from "./pages/models";
import { NewPassword, SignIn } from "./pages/signin";
import { Review } from "./pages/review";
import { UploadPage } from "./pages/upload";
import { Worklist } from "./pages/worklist";
import { StudyPage } from "./study/page";
import { usePath } from "./route";
import { SessionContext, currentSession } from "./session";
import { Shell } from "./shell";
import { asProblem } from "./ui/hooks";
import { Empty, Trouble, Waiting } from "./ui/parts";

type Route = readonly [RegExp, (id: string) => JSX.Element];

const ROUTES: readonly Route[] = [
  [/^\/(?:signin)?$/, () => <Worklist />],
  [/^\/upload$/, () => <UploadPage />],
  [/^\/studies\/([^/]+)$/, (id) => <StudyPage key={id} id={id} />],
  [/^\/batches\/([^/]+)$/, (id) => <BatchPage key={id} id={id} />],
  [/^\/contribute\/([^/]+)$/, (id) => <Contribute key={id} id={id} />],
  [/^\/review$/, () => <Review />],
  [/^\/models$/, () => <Models />],
  [/^\/admin$/, () => <Admin />],
  [/^\/help$/, () => <Help />],
];

function shown(path: string): JSX.Element {
  for (const [pattern, page] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return page(decodeURIComponent(found[1] ?? ""));
  }
  return (
    <Empty title="There is no such page">
      <a href="/">Go to the worklist</a>
    </Empty>
  );
}

/** The whole program. */
export function App(): JSX.Element {
  const path = usePath();
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [trouble, setTrouble] = useState<unknown>(null);
  const signedIn = (found: Session | null): void => {
    if (found) rememberToken(found.csrf);
    setSession(found);
  };
  useEffect(() => {
    whenSignedOut(() => setSession(null));
    currentSession().then(signedIn).catch(setTrouble);
  }, []);
  if (trouble) return <Trouble problem={asProblem(trouble)} />;
  if (session === undefined) return <Waiting what="the page" />;
  const page = !session ? (
    path === "/help" ? <Help /> : <SignIn onSignedIn={signedIn} />
  ) : session.must_change_password ? (
    <NewPassword onDone={() => setSession({ ...session, must_change_password: false })} />
  ) : (
    shown(path)
  );
  return (
    <SessionContext.Provider value={session}>
      <Shell path={path} onSignedOut={() => setSession(null)}>
        {page}
      </Shell>
    </SessionContext.Provider>
  );
}
