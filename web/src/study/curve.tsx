/** Scores of the judged slices, from head to feet; a click moves the viewer. */

import type { JSX, TargetedPointerEvent } from "preact";

import type { Screening, SliceScore } from "../api/types";
import { Card } from "../ui/parts";
import { percent } from "../ui/words";

const WIDTH = 640;
const HEIGHT = 220;
const LEFT = 76;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 40;

/** What is drawn: each slice's own probability, or its share where slices have none. */
export function curveOf(screening: Screening): { values: number[]; own: boolean; most: number } {
  const name = screening.recipe.labels[0] ?? "";
  const own = screening.slices.every((one) => one.probability[name] !== undefined);
  const values = screening.slices.map((one) => (own ? (one.probability[name] ?? 0) : one.weight));
  return { values, own, most: own ? 1 : Math.max(...values, Number.EPSILON) };
}

function nearest(slices: readonly SliceScore[], wanted: number): number {
  const best = slices.reduce(
    (found, one) => (Math.abs(one.index - wanted) < Math.abs(found - wanted) ? one.index : found),
    slices[0]?.index ?? 0,
  );
  return best;
}

/** The slice curve. */
export function Curve(props: {
  screening: Screening;
  slice: number;
  without: readonly number[];
  onSlice: (slice: number) => void;
}): JSX.Element | null {
  const { screening, slice, without, onSlice } = props;
  const { slices, top_slices: top } = screening;
  if (slices.length < 2) return null;
  const { values, own, most } = curveOf(screening);
  const last = screening.image.shape[0] - 1;
  const x = (index: number): number => LEFT + (index / last) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const points = slices.map((one, i) => `${x(one.index).toFixed(1)},${y(values[i] ?? 0).toFixed(1)}`);
  const name = screening.recipe.labels[0] ?? "";
  const limit = screening.recipe.picture.thresholds.find((one) => one.label === name)?.value;
  const move = (event: TargetedPointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * WIDTH;
    onSlice(nearest(slices, ((across - LEFT) / (WIDTH - LEFT - RIGHT)) * last));
  };
  return (
    <Card
      title="From head to feet"
      id="curve"
      lead={
        own
          ? "Probability of every judged slice by itself; the dashed line is the threshold of a single picture. Click to see the slice; rings mark those that decided most."
          : "Share of every slice in the answer. Click to see the slice; rings mark those that decided most."
      }
    >
      <svg
        class="curve"
        viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
        role="img"
        aria-label={`Scores of ${String(slices.length)} slices; the highest is in slice ${String((top[0] ?? 0) + 1)}`}
        onPointerDown={move}
        onPointerMove={(event) => event.buttons === 1 && move(event)}
      >
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(share * most)} y2={y(share * most)} />
            <text x={LEFT - 8} y={y(share * most) + 5} text-anchor="end">
              {percent(share * most, own ? 0 : 1)}
            </text>
          </g>
        ))}
        {own && limit !== undefined && (
          <line class="limit" x1={LEFT} x2={WIDTH - RIGHT} y1={y(limit)} y2={y(limit)} />
        )}
        <polyline class="line" points={points.join(" ")} />
        {slices.map((one, i) => (
          <circle
            key={one.index}
            class={without.includes(one.index) ? "dot is-out" : one.weight > 0 ? "dot counts" : "dot"}
            cx={x(one.index)}
            cy={y(values[i] ?? 0)}
            r={3.2}
          />
        ))}
        {slices.map((one, i) =>
          top.includes(one.index) ? (
            <circle key={one.index} class="ring" cx={x(one.index)} cy={y(values[i] ?? 0)} r={7} />
          ) : null,
        )}
        <line class="cursor" x1={x(slice)} x2={x(slice)} y1={TOP - 6} y2={HEIGHT - BOTTOM} />
        <text x={LEFT} y={HEIGHT - 14}>
          head
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 14} text-anchor="end">
          feet
        </text>
        <text class="cursor-text" x={Math.min(Math.max(x(slice), LEFT + 70), WIDTH - 70)} y={HEIGHT - 14} text-anchor="middle">
          slice {slice + 1}
        </text>
      </svg>
    </Card>
  );
}
