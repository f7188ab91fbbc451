/** Signing in, and the password that must be changed at first. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get, post } from "../api/client";
import type { Session, Ways } from "../api/types";
import { refusal } from "../session";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Card, Field, Trouble } from "../ui/parts";

const SHORTEST = 12;

/** Ask for name and password. */
export function SignIn(props: { onSignedIn: (session: Session) => void }): JSX.Element {
  useTitle("Sign in");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const provider = useLoaded(() => get<Ways>(address("session", "ways")), "ways").value?.provider;
  const [refused] = useState(refusal);
  const enter = useAction(async () => {
    props.onSignedIn(await post<Session>(address("session"), { name, password }));
  });
  return (
    <div class="narrow">
      <h1>Sign in</h1>
      <p class="lead">
        Upload a chest CT, read what the network answers and what it looked at. Ask your
        administrator for an account. <a href="/help">Help</a>
      </p>
      <form
        class="card form"
        onSubmit={(event) => {
          event.preventDefault();
          enter.run();
        }}
      >
        <Field label="Name">
          <input
            required
            autoComplete="username"
            autoCapitalize="none"
            spellcheck={false}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </Field>
        <Field label="Password">
          <input
            required
            type="password"
            autoComplete="current-password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </Field>
        <Trouble problem={enter.problem ?? refused} />
        <button class="primary" disabled={enter.busy}>
          {enter.busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
      {provider && (
        <p class="buttons">
          <a class="button" href={provider.start}>
            Sign in with {provider.title}
          </a>
        </p>
      )}
    </div>
  );
}

/** Have a one-time password replaced. */
export function NewPassword(props: { onDone: () => void }): JSX.Element {
  useTitle("New password");
  const [old, setOld] = useState("");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const change = useAction(async () => {
    await post(address("session", "password"), { old, new: first });
    props.onDone();
  });
  const differs = second !== "" && first !== second;
  return (
    <div class="narrow">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!differs) change.run();
        }}
      >
        <Card
          title="Choose a password of your own"
          id="new-password"
          class="form"
          lead="The one you signed in with works only once."
        >
          <Field label="Password you were given">
            <input
              required
              type="password"
              autoComplete="current-password"
              value={old}
              onInput={(event) => setOld(event.currentTarget.value)}
            />
          </Field>
          <Field label="New password" hint={`At least ${String(SHORTEST)} characters.`}>
            <input
              required
              type="password"
              autoComplete="new-password"
              minLength={SHORTEST}
              value={first}
              onInput={(event) => setFirst(event.currentTarget.value)}
            />
          </Field>
          <Field label="The same again" hint={differs ? "The two are not the same yet." : ""}>
            <input
              required
              type="password"
              autoComplete="new-password"
              aria-invalid={differs}
              value={second}
              onInput={(event) => setSecond(event.currentTarget.value)}
            />
          </Field>
          <Trouble problem={change.problem} />
          <button class="primary" disabled={change.busy || differs}>
            Change it
          </button>
        </Card>
      </form>
    </div>
  );
}
