/** Help: what everything on the page means, and what it does not. */

import type { JSX } from "preact";

import { useTitle } from "../ui/hooks";
import { Card } from "../ui/parts";

const MEANINGS: readonly (readonly [string, string, string])[] = [
  ["Above, below threshold", "The calibrated probability is at or above, or below, the bundle's threshold.", "That the patient has, or has not, the disease."],
  ["No call", "The program abstains and says why. In the strip under the bar it always does.", "That the case is borderline in any clinical sense."],
  ["Not judged", "The gate refused the image and says why; there is no score.", "That the scan is normal."],
  ["Heat", "Where the network looked, from violet to yellow; the hottest place of the study covers most.", "An outline of disease."],
  ["Slices that decided most", "Slices with the largest share in the answer.", "That the others are normal."],
  ["Lesion flags", "Kinds of lesion for the whole image, learnt from weak labels.", "A place or an amount."],
  ["Predictive values", "What a call would mean at the prevalence you choose, from sensitivity and specificity on the tune data.", "What they are in your hospital: that has to be measured there."],
];

const KEYS: readonly (readonly [string, string])[] = [
  ["Tab", "goes from control to control"],
  ["↑ ↓", "on the scan: the slice before, the slice after"],
  ["Page up, page down", "on the scan: ten slices"],
  ["Mouse wheel", "on the scan: slices"],
  ["Right button, drag", "on the scan: window width and level"],
];

/** The help page. */
export function Help(): JSX.Element {
  useTitle("Help");
  return (
    <>
      <h1>Help</h1>
      <div class="stack">
        <Card title="From a scan to an answer" id="steps">
          <ol class="steps">
            <li>
              <strong>Upload</strong> DICOM files or folders, zip, NIfTI, or pictures. Stopped uploads
              go on where they stopped. What names a person is removed on arrival; images with text
              burned in are set aside.
            </li>
            <li>
              <strong>Worklist</strong>: every study of your workspace, live. Nobody outside your
              workspace sees them.
            </li>
            <li>
              <strong>Study</strong>: the answer, and everything that shows why. Move the slice by
              curve, picture, wheel or key; lay heat, lungs and lesions over the scan.
            </li>
            <li>
              <strong>Contribute</strong> a label; a second reader answers without seeing yours, and a third
              where you two disagree. A case that two see alike can join a data set.
            </li>
          </ol>
        </Card>
        <Card title="What it means" id="meanings">
          <table class="stacking">
            <thead>
              <tr>
                <th scope="col">You see</th>
                <th scope="col">It means</th>
                <th scope="col">It does not mean</th>
              </tr>
            </thead>
            <tbody>
              {MEANINGS.map(([seen, means, not]) => (
                <tr key={seen}>
                  <th scope="row">
                    <strong>{seen}</strong>
                  </th>
                  <td data-head="It means">{means}</td>
                  <td data-head="It does not mean">{not}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
        <Card title="Keys" id="keys">
          <dl class="facts">
            {KEYS.map(([key, does]) => (
              <>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </>
            ))}
          </dl>
        </Card>
      </div>
    </>
  );
}
