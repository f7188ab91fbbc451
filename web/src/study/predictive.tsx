/** What the call would mean where more, or fewer, are ill. */

import type { JSX } from "preact";
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

const whole = (share: number | null): string =>
  share === null ? "unknown" : String(Math.round(share * 1000));

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
        <p class="caution small">
          {patients} patients are few: these values are rough, and 100{"\u202f"}% means only that no
          wrong call was seen among them.
        </p>
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

function Rates({ study, rule }: { study: Study; rule: Threshold }): JSX.Element {
  const [step, setStep] = useState(AT_FIRST);
  const prevalence = toShare(step);
  const asked = useStill(Number(prevalence.toPrecision(3)), 120);
  const url = query(address("studies", study.id, "predictive"), { prevalence: asked });
  const { value, problem } = useLoaded(() => get<Values>(url), url);
  return (
    <Card
      title="If this many were ill"
      id="predictive"
      lead="What a call would mean among people of whom so many are ill."
    >
      <label class="prevalence">
        <span>
          Prevalence among the people scanned <strong>{percent(prevalence)}</strong>
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
        <div class={study.verdict === "positive" ? "is-this" : ""}>
          <dt>Positive predictive value</dt>
          <dd>{value?.ppv == null ? "unknown" : percent(value.ppv)}</dd>
          <dd class="quiet small">{whole(value?.ppv ?? null)} of 1000 called positive are ill</dd>
        </div>
        <div class={study.verdict === "negative" ? "is-this" : ""}>
          <dt>Negative predictive value</dt>
          <dd>{value?.npv == null ? "unknown" : percent(value.npv)}</dd>
          <dd class="quiet small">{whole(value?.npv ?? null)} of 1000 called negative are not</dd>
        </div>
      </dl>
      <Source rule={rule} />
    </Card>
  );
}
