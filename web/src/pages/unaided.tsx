/** The scan alone: whoever reads a case for others to learn from must not know the network's answer. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get } from "../api/client";
import type { StudyDetail } from "../api/types";
import { useLoaded } from "../ui/hooks";
import { Trouble, Waiting } from "../ui/parts";
import { SliceSlider } from "../ui/slice_slider";
import { Paper } from "./drawing";

const nothing = (): void => undefined;

/** A study in the lung window, from its middle on: the slices that decided most are the network's choice. */
export function Unaided({ study }: { study: string }): JSX.Element {
  const { value, problem } = useLoaded(() => get<StudyDetail>(address("studies", study)), study);
  const last = (value?.num_slices ?? 1) - 1;
  const [chosen, setChosen] = useState<number | null>(null);
  const slice = chosen ?? Math.floor(last / 2);
  if (!value) return problem ? <Trouble problem={problem} /> : <Waiting what="the scan" />;
  return (
    <div class="drawing">
      <div class="paper">
        <Paper study={value} slice={slice} onSize={nothing} />
      </div>
      {last > 0 && (
        <SliceSlider slice={slice} last={last} onSlice={setChosen}>
          Slice {slice + 1} of {last + 1}, from the head
        </SliceSlider>
      )}
    </div>
  );
}
