/** The viewer with its controls: slice, window, layout, layers. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { address } from "../api/client";
import type { StudyDetail } from "../api/types";
import { asProblem } from "../ui/hooks";
import { Choice, Trouble, Waiting } from "../ui/parts";
import { quantity } from "../ui/words";
import { Grid } from "./grid";
import type { Layer, Layout, Look, Place, Scene } from "./scene";
import { SliceSlider } from "../ui/slice_slider";

const WINDOWS = {
  lung: ["Lung", -600, 1500],
  mediastinum: ["Mediastinum", 40, 400],
  bone: ["Bone", 400, 1800],
} as const;

type Preset = keyof typeof WINDOWS;

const PRESETS = Object.entries(WINDOWS).map(([name, [text]]) => [name as Preset, text] as const);

const LAYOUTS: readonly (readonly [Layout, string])[] = [
  ["axial", "Axial"],
  ["planes", "Three planes"],
  ["3d", "3D"],
];

const NAMES: Record<Layer, string> = { heat: "Heat", lungs: "Lungs", lesions: "Lesions" };

const AT_FIRST: Record<Layer, number> = { heat: 0.7, lungs: 0, lesions: 0.6 };

/** How far a key moves, in slices. */
const STEPS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 };

function layersOf(study: StudyDetail): Layer[] {
  const has = (name: string): boolean => study.artefacts.some((one) => one.name === name);
  return (["heat", "lesions", "lungs"] as const).filter((layer) => has(`${layer}.nii.gz`));
}

/** Open the scene once the page is there; the viewer's code is loaded only now. */
function useScene(
  study: StudyDetail,
  grid: Grid,
  look: Look,
  onMoved: (place: Place, byReader: boolean) => void,
) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scene, setScene] = useState<Scene | null>(null);
  const [trouble, setTrouble] = useState<unknown>(null);
  useEffect(() => {
    let opened: Scene | null = null;
    let gone = false;
    const open = async (): Promise<void> => {
      const { Scene } = await import("./scene");
      if (!canvas.current || gone) return;
      const file = (name: string): string => address("studies", study.id, "artefacts", name);
      const layers = layersOf(study).map((layer) => [layer, file(`${layer}.nii.gz`)]);
      const layered = Object.fromEntries(layers) as Partial<Record<Layer, string>>;
      const addresses = { image: file("image.nii.gz"), ...layered };
      opened = await Scene.open(canvas.current, grid, addresses, look);
      if (gone) return opened.close();
      opened.whenMoved(onMoved);
      setScene(opened);
    };
    open().catch(setTrouble);
    return () => {
      gone = true;
      opened?.close();
    };
  }, [study.id]);
  return { canvas, scene, trouble };
}

/** A layer's switch and slider; `most` is what the switch turns on. */
export function Opacity(props: {
  layer: Layer;
  value: number;
  most: number;
  onChange: (value: number) => void;
}): JSX.Element {
  const { layer, value, most, onChange } = props;
  const name = NAMES[layer];
  return (
    <div class="layer">
      <label class="tick">
        <input
          type="checkbox"
          checked={value > 0}
          onChange={(event) => onChange(event.currentTarget.checked ? most : 0)}
        />
        <span class={`swatch ${layer}`} aria-hidden />
        {name}
      </label>
      <input
        type="range"
        min={0}
        max={100}
        value={Math.round(value * 100)}
        aria-label={`Opacity of ${name.toLowerCase()}`}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber / 100)}
      />
    </div>
  );
}

/** The scan, with the slice shared with the rest of the page. */
export function Viewer(props: {
  study: StudyDetail;
  slice: number;
  onSlice: (slice: number) => void;
}): JSX.Element {
  const { study, slice, onSlice } = props;
  const image = study.screening?.image;
  const [grid] = useState(() => new Grid(image?.shape ?? [1, 1, 1], image?.affine_lps ?? []));
  const [hu, setHu] = useState<number | null>(null);
  const [preset, setPreset] = useState<Preset>("lung");
  const [layout, setLayout] = useState<Layout>("axial");
  const [opacity, setOpacity] = useState(AT_FIRST);
  const [, centre, width] = WINDOWS[preset];
  const look: Look = { layout, window: { centre, width }, opacity };
  const { canvas, scene, trouble } = useScene(study, grid, look, (place, byReader) => {
    setHu(place.hu);
    // An echo of a slice that was asked for here may be late: two of them would chase each other.
    if (byReader) onSlice(place.slice);
  });
  useEffect(() => scene?.goTo(slice), [scene, slice]);
  useEffect(() => scene?.look(look), [scene, preset, layout, opacity]);
  const last = grid.shape[0] - 1;
  const z = grid.toRas([slice, 0, 0])[2];
  return (
    <section class="card viewer" aria-label="Viewer">
      <div class="viewer-bar">
        <Choice label="Layout" value={layout} options={LAYOUTS} onChange={setLayout} />
        <Choice label="Window" value={preset} options={PRESETS} onChange={setPreset} />
      </div>
      <div
        class="stage"
        tabIndex={0}
        role="group"
        aria-label="Scan: arrow keys move by a slice, page keys by ten"
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          if (step === undefined) return;
          event.preventDefault();
          onSlice(grid.inside(slice + step));
        }}
      >
        <canvas ref={canvas} />
        {!scene && !trouble && <Waiting what="the scan" />}
        <output class="readout">
          Slice {slice + 1} of {last + 1} · z {quantity(z, "mm")}
          {hu !== null && ` · ${quantity(hu, "HU", 0)}`}
        </output>
      </div>
      <Trouble problem={trouble ? asProblem(trouble) : null} />
      <SliceSlider slice={slice} last={last} onSlice={onSlice}>
        Slice, from the head
      </SliceSlider>
      <div class="layers">
        {layersOf(study).map((layer) => (
          <Opacity
            key={layer}
            layer={layer}
            value={opacity[layer]}
            most={AT_FIRST[layer] || 0.4}
            onChange={(value) => setOpacity({ ...opacity, [layer]: value })}
          />
        ))}
      </div>
      <p class="quiet small">
        Wheel or arrow keys: slices. Right button and drag: window. The patient's right is on the
        left; slices are seen from the feet.
      </p>
    </section>
  );
}
