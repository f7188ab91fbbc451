/** Small things that every page is made of. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import { type Problem, address } from "../api/client";
import type { Study } from "../api/types";
import { useAction } from "./hooks";
import { sentence } from "./words";

/** What went wrong, in one sentence, with what to do about it. */
export function Trouble({ problem }: { problem: Problem | null }): JSX.Element | null {
  if (!problem) return null;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{sentence(problem.detail || problem.message)}</strong>
      </p>
      {problem.hint && <p>{sentence(problem.hint)}</p>}
    </div>
  );
}

/** A card with a heading. */
export function Card(props: {
  title: string;
  id: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}): JSX.Element {
  return (
    <section class={`card ${props.class ?? ""}`} aria-labelledby={props.id}>
      <h2 id={props.id}>{props.title}</h2>
      {props.lead && <p class="lead">{props.lead}</p>}
      {props.children}
    </section>
  );
}

/** A page that is still loading, said politely. */
export function Waiting({ what }: { what: string }): JSX.Element {
  return (
    <p class="waiting-note" role="status">
      Loading {what} …
    </p>
  );
}

/** A page without anything on it, and what to do. */
export function Empty(props: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      <p>{props.children}</p>
    </div>
  );
}

/** A bar that fills up. */
export function Progress(props: { share: number; label: string }): JSX.Element {
  return (
    <progress class="progress" max={1} value={props.share} aria-label={props.label}>
      {Math.round(props.share * 100)} %
    </progress>
  );
}

/** The first look at a study; what was not judged has none. */
export function Thumbnail({ study }: { study: Study }): JSX.Element {
  return (
    <span class="thumbnail">
      {study.status === "done" && !study.withheld && (
        <img
          src={address("studies", study.id, "artefacts", "thumbnail.png")}
          alt=""
          loading="lazy"
        />
      )}
    </span>
  );
}

/** An action that cannot be taken back: asked twice. */
export function AskedTwice(props: {
  ask: string;
  question: string;
  warning: ComponentChildren;
  action: string;
  run: () => Promise<void>;
}): JSX.Element {
  const [asked, setAsked] = useState(false);
  const act = useAction(props.run);
  if (!asked) {
    return (
      <button type="button" class="plain" onClick={() => setAsked(true)}>
        {props.ask} …
      </button>
    );
  }
  return (
    <span class="confirm" role="group" aria-label={props.question}>
      {props.warning}
      <button type="button" class="danger" disabled={act.busy} onClick={act.run}>
        {props.action}
      </button>
      <button type="button" onClick={() => setAsked(false)}>
        Keep it
      </button>
      <Trouble problem={act.problem} />
    </span>
  );
}

/** A labelled field. */
export function Field(props: {
  label: string;
  hint?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <label class="field">
      <span>{props.label}</span>
      {props.children}
      {props.hint && <small>{props.hint}</small>}
    </label>
  );
}

/** A few choices of which one holds, as buttons. */
export function Choice<Value extends string>(props: {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}): JSX.Element {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
