import type { ComponentChildren, JSX } from "preact";

/** A slider over the slices of a scan, from the head. */
export function SliceSlider({
  slice,
  last,
  onSlice,
  children,
}: {
  slice: number;
  last: number;
  onSlice: (slice: number) => void;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <label class="slice-slider">
      <span>{children}</span>
      <input
        type="range"
        min={0}
        max={last}
        value={slice}
        onInput={(event) => onSlice(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
