/** The answer: headline, calibrated probability against its threshold, abstention, gate. */

import type { JSX } from "preact";

import type { Screening, StudyDetail } from "../api/types";
import { count, headline, label, moment, percent, percentBeside, sentence, tone } from "../ui/words";

const WIDTH = 640;

function Gauge(props: {
  probability: number;
  threshold: number;
  uncertain: [number, number] | null;
}): JSX.Element {
  const { probability, threshold, uncertain } = props;
  const at = (share: number): number => share * WIDTH;
  const middle = Math.min(Math.max(at(threshold), 60), WIDTH - 60);
  return (
    <svg class="gauge" viewBox={`0 -22 ${String(WIDTH)} 58`} aria-hidden>
      <rect class="track" width={WIDTH} height="16" rx="4" />
      <rect class="fill" width={at(probability)} height="16" rx="4" />
      {uncertain && (
        <rect
          class="band"
          x={at(uncertain[0])}
          width={at(uncertain[1] - uncertain[0])}
          y="19"
          height="5"
          rx="2"
        />
      )}
      <line class="limit" x1={at(threshold)} x2={at(threshold)} y1="-5" y2="27" />
      <text class="limit-text" x={middle} y="-10" text-anchor="middle">
        threshold {percent(threshold)}
      </text>
    </svg>
  );
}

function Probability(props: { screening: Screening; name: string }): JSX.Element | null {
  const { prediction, recipe } = props.screening;
  const probability = prediction.probability[props.name];
  const threshold = prediction.threshold[props.name];
  if (probability === undefined || threshold === undefined) return null;
  const rule = prediction.level === "scan" ? recipe.scan : recipe.picture;
  const first = recipe.labels[0] === props.name;
  return (
    <div class="probability">
      <p class="probability-name">
        <span>
          {prediction.calibrated ? "Calibrated probability" : "Score, not calibrated"}:{" "}
          {label(props.name)}
        </span>
        <strong>{percentBeside(probability, threshold)}</strong>
      </p>
      <Gauge
        probability={probability}
        threshold={threshold}
        uncertain={first ? rule.uncertain : null}
      />
      {first && rule.uncertain && (
        <p class="quiet small">
          Between {percent(rule.uncertain[0])} and {percent(rule.uncertain[1])} (the strip under the
          bar) no call is made.
        </p>
      )}
    </div>
  );
}

function GateNote({ study }: { study: StudyDetail }): JSX.Element | null {
  const findings = study.gate?.findings ?? [];
  if (findings.length === 0) return null;
  return (
    <ul class="gate">
      {findings.map(({ code, severity, sentence }) => (
        <li key={code} class={severity}>
          {sentence} <code>{code}</code>
        </li>
      ))}
    </ul>
  );
}

/** The verdict of a study. */
export function Verdict({ study }: { study: StudyDetail }): JSX.Element {
  const { screening } = study;
  const first = screening?.recipe.labels[0] ?? "covid19";
  const refused = (study.gate?.findings ?? []).some(({ severity }) => severity === "rejection");
  const why = study.abstained ?? (refused ? "" : study.reason);
  const judged = study.status === "done";
  const threshold = screening?.recipe[
    screening.prediction.level === "scan" ? "scan" : "picture"
  ].thresholds.find((one) => one.label === first);
  return (
    <section class={`card verdict ${tone(study)}`} aria-labelledby="answer">
      <p class="kicker">
        {study.kind === "picture" ? "Picture" : "Scan"} received {moment(study.received)}
        {judged && study.bundle && `, judged by ${study.bundle.name} ${study.bundle.version}`}
      </p>
      <h2 id="answer">{headline(study, first)}</h2>
      {why && <p class="abstained">{sentence(why)}</p>}
      {screening &&
        screening.recipe.labels.map((name) => (
          <Probability key={name} screening={screening} name={name} />
        ))}
      <GateNote study={study} />
      {judged && threshold?.fitted && (
        <p class="quiet small">
          Threshold: {threshold.fitted.criterion}; {count(threshold.fitted.num_patients, "patient")}{" "}
          of {threshold.fitted.data.replaceAll("+", ", ")}.
        </p>
      )}
    </section>
  );
}
