/** What the answer would be had some slices not been there. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, post } from "../api/client";
import type { Screening, Study, WhatIf as Answer } from "../api/types";
import { useAction } from "../ui/hooks";
import { Card, Trouble } from "../ui/parts";
import { label, percentBeside } from "../ui/words";

const CALLS = { positive: "above threshold", negative: "below threshold", none: "no call" };

function Outcome(props: { study: Study; answer: Answer; number: number }): JSX.Element {
  const { study, answer } = props;
  const threshold = study.threshold ?? 0.5;
  const change = answer.probability - (study.probability ?? 0);
  const same = answer.call === study.verdict;
  return (
    <div class="outcome" role="status">
      <p>
        Without {props.number === 1 ? "it" : `these ${String(props.number)}`}:{" "}
        <strong>{percentBeside(answer.probability, threshold)}</strong> instead of{" "}
        {percentBeside(study.probability ?? 0, threshold)} (
        {(Math.abs(change) * 100).toFixed(1)} points {change < 0 ? "less" : "more"}),{" "}
        {CALLS[answer.call]}.
      </p>
      <p class="quiet small">
        {answer.abstained ?? (same ? "The call stays the same." : "The call changes: it rests on these slices.")}
      </p>
    </div>
  );
}

/** Choose slices to leave out, and ask. */
export function WhatIf(props: {
  study: Study;
  screening: Screening;
  slice: number;
  without: readonly number[];
  onWithout: (slices: number[]) => void;
}): JSX.Element | null {
  const { study, screening, slice, without, onWithout } = props;
  const [answer, setAnswer] = useState<{ answer: Answer; number: number } | null>(null);
  const ask = useAction(async () => {
    const url = address("studies", study.id, "without");
    const told = await post<Answer>(url, { slices: [...without] });
    setAnswer({ answer: told, number: without.length });
  });
  if (study.kind !== "volume" || screening.slices.length < 2) return null;
  const change = (next: readonly number[]): void => {
    setAnswer(null);
    onWithout([...new Set(next)].sort((a, b) => a - b));
  };
  const judged = screening.slices.some((one) => one.index === slice);
  return (
    <Card
      title="What if these slices were not there?"
      id="what-if"
      lead={`Does the probability of ${label(screening.recipe.labels[0] ?? "")} rest on a few slices?`}
    >
      <p class="buttons">
        <button
          type="button"
          disabled={!judged || without.includes(slice)}
          onClick={() => change([...without, slice])}
        >
          Leave out slice {slice + 1}
        </button>
        <button type="button" onClick={() => change([...without, ...screening.top_slices])}>
          Leave out the top {screening.top_slices.length}
        </button>
      </p>
      {without.length > 0 && (
        <ul class="chips" aria-label="Slices left out">
          {without.map((one) => (
            <li key={one}>
              <button
                type="button"
                aria-label={`Put slice ${String(one + 1)} back`}
                onClick={() => change(without.filter((other) => other !== one))}
              >
                {one + 1} <span aria-hidden>×</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <Trouble problem={ask.problem} />
      {answer && <Outcome study={study} answer={answer.answer} number={answer.number} />}
      <p class="buttons">
        <button
          type="button"
          class="primary"
          disabled={without.length === 0 || ask.busy}
          onClick={ask.run}
        >
          {ask.busy ? "Computing …" : "Compute without them"}
        </button>
        {without.length > 0 && (
          <button type="button" onClick={() => change([])}>
            Put all back
          </button>
        )}
      </p>
    </Card>
  );
}
