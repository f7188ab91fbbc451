/** What the call would mean where more, or fewer, are ill. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get, query } from "../api/client";
import type { Predictive as Values, Screening, Study, Threshold } from "../api/types";
import { useLoaded, useStill } from "../ui/hooks";
import { Card, Trouble } from "../ui/parts";
import { count, percent } from "../ui/words";

const LEAST = 0.001;
const MOST = 0.9;
const STEPS = 200;

/** Positions of the slider are evenly spaced in the logarithm: rare diseases need the room. */
const toShare = (step: number): number => LEAST * (MOST / LEAST) ** (step / STEPS);

const AT_FIRST = Math.round((STEPS * Math.log(0.1 / LEAST)) / Math.log(MOST / LEAST));

/** Fewer patients than this say little about how often a call is wrong. */
const FEW = 100;

/** Where the numbers come from, and how far they carry. */
function Source({ rule }: { rule: Threshold }): JSX.Element {
  const patients = rule.fitted?.num_patients ?? 0;
  return (
    <>
      <p class="quiet small">
        From a sensitivity of {percent(rule.sensitivity ?? 0)} and a specificity of{" "}
        {percent(rule.specificity ?? 0)}, on the {count(patients, "patient")} whose scans or pictures
        the threshold was chosen on.
      </p>
      {patients < FEW && (
        <p class="caution small">{patients} patients are few: take these values as rough.</p>
      )}
    </>
  );
}

/** Positive and negative predictive value by prevalence; nothing where the bundle has no rates. */
export function Predictive(props: { study: Study; screening: Screening }): JSX.Element | null {
  const { prediction, recipe } = props.screening;
  const [rule] = (prediction.level === "scan" ? recipe.scan : recipe.picture).thresholds;
  if (rule?.sensitivity == null || rule.specificity == null) return null;
  return <Rates study={props.study} rule={rule} />;
}

function Value(props: {
  name: "Positive" | "Negative";
  share: number | null;
  holds: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const { name, share, holds, children } = props;
  // Certainty would be the claim of a handful of patients among whom no call happened to be wrong.
  const known = share !== null && share < 1;
  return (
    <div class={holds ? "is-this" : ""}>
      <dt>{name} predictive value</dt>
      <dd>{known ? percent(share) : "not known"}</dd>
      <dd class="quiet small">
        {known ? `${String(Math.round(share * 1000))} ` : "no such call was wrong where it was measured"}
        {known && children}
      </dd>
    </div>
  );
}

function Rates({ study, rule }: { study: Study; rule: Threshold }): JSX.Element {
  const [step, setStep] = useState(AT_FIRST);
  const prevalence = toShare(step);
  const asked = useStill(Number(prevalence.toPrecision(3)), 120);
  const url = query(address("studies", study.id, "predictive"), { prevalence: asked });
  const { value, problem } = useLoaded(() => get<Values>(url), url);
  return (
    <Card
      title="Predictive values"
      id="predictive"
      lead="What a call means depends on how many of the people scanned are ill."
    >
      <label class="prevalence">
        <span>
          Prevalence <strong>{percent(prevalence)}</strong>
        </span>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={step}
          aria-valuetext={percent(prevalence)}
          onInput={(event) => setStep(event.currentTarget.valueAsNumber)}
        />
      </label>
      <Trouble problem={problem} />
      <dl class="pair-values" aria-live="polite">
        <Value name="Positive" share={value?.ppv ?? null} holds={study.verdict === "positive"}>
          of 1000 called positive are ill
        </Value>
        <Value name="Negative" share={value?.npv ?? null} holds={study.verdict === "negative"}>
          of 1000 called negative are not
        </Value>
      </dl>
      <Source rule={rule} />
    </Card>
  );
}
