/** Drawing round lesions on slices; points are (column, row) of the image's own grid. */

import type { JSX, TargetedPointerEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { address } from "../api/client";
import type { Outline, Point, StudyDetail } from "../api/types";
import { Slices } from "../study/slices";
import { useLoaded } from "../ui/hooks";
import { Field, Trouble } from "../ui/parts";
import { SliceSlider } from "../ui/slice_slider";
import { LESION_NAMES, count, lesion } from "../ui/words";

const LUNG = [-600, 1500] as const;

/** Shortest step of the pen, in pixels of the image: finer says nothing more. */
const STEP = 2;
const FEWEST = 4;

const path = (points: readonly Point[]): string => points.map((at) => at.join(",")).join(" ");

/** A slice of a scan, or the picture, and nothing that the network says of it. */
export function Paper(props: {
  study: StudyDetail;
  slice: number;
  onSize: (columns: number, rows: number) => void;
}): JSX.Element {
  const { study, slice, onSize } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const volume = study.kind === "volume";
  const file = (name: string): string => address("studies", study.id, "artefacts", name);
  const { value, problem } = useLoaded(
    async () => (volume ? Slices.load(file("image.nii.gz")) : null),
    study.id,
  );
  useEffect(() => {
    if (!value || !canvas.current) return;
    onSize(value.columns, value.rows);
    value.paint(canvas.current, slice, ...LUNG);
  }, [value, slice]);
  if (volume) {
    return (
      <>
        <canvas ref={canvas} role="img" aria-label={`Slice ${String(slice + 1)}`} />
        <Trouble problem={problem} />
      </>
    );
  }
  return (
    <img
      src={file("picture.png")}
      alt="The picture"
      draggable={false}
      onLoad={({ currentTarget: image }) => onSize(image.naturalWidth, image.naturalHeight)}
    />
  );
}

/** A slice to draw on, and what was drawn. */
export function Drawing(props: {
  study: StudyDetail;
  outlines: readonly Outline[];
  onOutlines: (outlines: Outline[]) => void;
}): JSX.Element {
  const { study, outlines, onOutlines } = props;
  const [slice, setSlice] = useState(study.screening?.top_slices[0] ?? 0);
  const [kind, setKind] = useState(LESION_NAMES[0] ?? "");
  const [size, setSize] = useState<Point>([1, 1]);
  const [line, setLine] = useState<Point[]>([]);
  const last = (study.num_slices ?? 1) - 1;
  const at = (event: TargetedPointerEvent<SVGSVGElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * size[0];
    const y = ((event.clientY - box.top) / box.height) * size[1];
    return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
  };
  const extend = (event: TargetedPointerEvent<SVGSVGElement>): void => {
    const [before] = line.slice(-1);
    if (!before || event.buttons !== 1) return;
    const point = at(event);
    if (Math.hypot(point[0] - before[0], point[1] - before[1]) >= STEP) setLine([...line, point]);
  };
  const close = (): void => {
    if (line.length >= FEWEST) onOutlines([...outlines, { slice, kind, points: line }]);
    setLine([]);
  };
  return (
    <div class="drawing">
      <div class="paper">
        <Paper study={study} slice={slice} onSize={(columns, rows) => setSize([columns, rows])} />
        <svg
          viewBox={`0 0 ${String(size[0])} ${String(size[1])}`}
          preserveAspectRatio="none"
          aria-hidden
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            setLine([at(event)]);
          }}
          onPointerMove={extend}
          onPointerUp={close}
        >
          {outlines
            .filter((one) => one.slice === slice)
            .map((one) => (
              <polygon key={path(one.points)} points={path(one.points)} />
            ))}
          <polyline points={path(line)} />
        </svg>
      </div>
      {last > 0 && (
        <SliceSlider slice={slice} last={last} onSlice={setSlice}>
          Slice {slice + 1} of {last + 1}
        </SliceSlider>
      )}
      <Field label="Draw round">
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          {LESION_NAMES.map((one) => (
            <option key={one} value={one}>
              {lesion(one)}
            </option>
          ))}
        </select>
      </Field>
      <p role="status" class="quiet small">
        {outlines.length === 0 ? "Nothing drawn." : `${count(outlines.length, "outline")} drawn.`}
      </p>
      <ul class="chips" aria-label="Outlines">
        {outlines.map((one, number) => (
          <li key={path(one.points)}>
            <button
              type="button"
              aria-label={`Remove outline ${String(number + 1)}`}
              onClick={() => onOutlines(outlines.filter((other) => other !== one))}
            >
              {lesion(one.kind)}, slice {one.slice + 1} <span aria-hidden>×</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
