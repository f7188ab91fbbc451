/** Slices that decided most, lesions, involvement: tables beside the pictures. */

import type { JSX } from "preact";

import { address } from "../api/client";
import type { Screening, StudyDetail } from "../api/types";
import { Card } from "../ui/parts";
import { percent, quantity } from "../ui/words";

/** The slices that decided most, as pictures that move the viewer. */
export function TopSlices(props: {
  study: StudyDetail;
  screening: Screening;
  slice: number;
  onSlice: (slice: number) => void;
}): JSX.Element | null {
  const { study, screening, slice, onSlice } = props;
  const pictured = screening.top_slices.filter((index) =>
    study.artefacts.some((one) => one.name === `slice-${String(index)}.png`),
  );
  if (pictured.length === 0 || screening.image.kind === "picture") return null;
  const name = screening.recipe.labels[0] ?? "";
  return (
    <Card title="Slices that decided most" id="top" lead="The first first. Others are not thereby normal.">
      <ol class="top-slices">
        {pictured.map((index) => {
          const scores = screening.slices.find((one) => one.index === index);
          const own = scores?.probability[name];
          return (
            <li key={index}>
              <button
                type="button"
                aria-pressed={index === slice}
                onClick={() => onSlice(index)}
                aria-label={`Show slice ${String(index + 1)}`}
              >
                <img
                  src={address("studies", study.id, "artefacts", `slice-${String(index)}.png`)}
                  alt=""
                  loading="lazy"
                />
                <span>
                  <strong>Slice {index + 1}</strong>
                  {own !== undefined && ` ${percent(own)}`}
                  <small>{scores && `share ${percent(scores.weight)}`}</small>
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

function Totals({ screening }: { screening: Screening }): JSX.Element | null {
  const totals = screening.lesion_totals;
  if (totals.length === 0) return null;
  return (
    <>
      <h3>Found in their places</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col" class="num">Lesions</th>
            <th scope="col" class="num">Volume</th>
            <th scope="col" class="num">Of the lungs</th>
          </tr>
        </thead>
        <tbody>
          {totals.map((one) => (
            <tr key={one.kind}>
              <th scope="row">{one.name}</th>
              <td class="num">{one.count}</td>
              <td class="num">{one.ml === null ? "" : quantity(one.ml, "ml")}</td>
              <td class="num">
                {one.percent_of_lungs === null ? "" : percent(one.percent_of_lungs / 100)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Flags({ screening }: { screening: Screening }): JSX.Element | null {
  const flags = screening.lesions;
  if (flags.length === 0) return null;
  return (
    <>
      <h3>Flags for the whole image</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col" class="num">Score</th>
            <th scope="col">Flag</th>
          </tr>
        </thead>
        <tbody>
          {flags.map((one) => (
            <tr key={one.kind} class={one.present ? "present" : ""}>
              <th scope="row">{one.name}</th>
              <td class="num">{percent(one.probability)}</td>
              <td class="when">{one.present ? "set" : "not set"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet small">
        Learnt from words in captions: weak labels, no place, no amount, not calibrated.
      </p>
    </>
  );
}

/** Lesions by kind, and how much of the lungs is dense. */
export function Lesions({ screening }: { screening: Screening }): JSX.Element | null {
  const { involvement } = screening;
  const any = screening.lesions.length + screening.lesion_totals.length > 0;
  if (!any && !involvement) return null;
  return (
    <Card title="Lesions" id="lesions">
      <Totals screening={screening} />
      <Flags screening={screening} />
      {involvement && (
        <>
          <h3>Lung involvement</h3>
          <dl class="facts">
            <dt>Dense share of the lungs</dt>
            <dd>{percent(involvement.percent / 100)}</dd>
            <dt>Dense volume</dt>
            <dd>{quantity(involvement.dense_ml, "ml")}</dd>
            <dt>Lungs</dt>
            <dd>{quantity(involvement.lung_ml, "ml")}</dd>
          </dl>
          <p class="quiet small">
            By Hounsfield units alone ({involvement.method}); vessels and atelectasis count too.
          </p>
        </>
      )}
    </Card>
  );
}
