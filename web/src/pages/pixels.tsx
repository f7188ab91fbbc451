/** Whether an image names its patient in its pixels: only somebody who looks can tell. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { address } from "../api/client";
import type { StudyDetail } from "../api/types";

/** Of the enlarged picture, in pixels of the page. */
const LEAST_WIDTH = 1200;

function Enlarged({ study, onSeen }: { study: StudyDetail; onSeen: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [size, setSize] = useState(0);
  return (
    <>
      <button
        type="button"
        onClick={() => {
          dialog.current?.showModal();
          onSeen();
        }}
      >
        Show it enlarged
      </button>
      <dialog ref={dialog} class="enlarged" aria-label="The picture, enlarged">
        <form method="dialog" class="title-row">
          <p class="lead">Look along the edges and into the corners.</p>
          <button>Close</button>
        </form>
        <div class="enlarged-stage" tabIndex={0}>
          <img
            src={address("studies", study.id, "artefacts", "picture.png")}
            alt="The picture, at least twice its size"
            width={size || undefined}
            onLoad={({ currentTarget }) => setSize(Math.max(LEAST_WIDTH, 2 * currentTarget.naturalWidth))}
          />
        </div>
      </dialog>
    </>
  );
}

/** The confirmation; for a single picture it can be ticked once the picture was seen enlarged. */
export function PixelCheck(props: {
  study: StudyDetail;
  confirmed: boolean;
  onConfirm: (confirmed: boolean) => void;
}): JSX.Element {
  const { study, confirmed, onConfirm } = props;
  const single = study.kind === "picture";
  const [seen, setSeen] = useState(!single);
  return (
    <fieldset class="pixel-check">
      <legend>Text in the image</legend>
      <p class="small">
        Only DICOM says whether text is burned in. What is drawn into this image stays in it:{" "}
        {single ? "look at it enlarged." : "go through its slices beside this form."}
      </p>
      {single && <Enlarged study={study} onSeen={() => setSeen(true)} />}
      <label class="tick consent">
        <input
          type="checkbox"
          required
          disabled={!seen}
          checked={confirmed}
          onChange={(event) => onConfirm(event.currentTarget.checked)}
        />
        <span>I have looked: no name, date or number tells who the patient is.</span>
      </label>
    </fieldset>
  );
}
