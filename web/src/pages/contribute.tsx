/** Contribute a case: consent, label, lesions, outlines, comment. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get, post } from "../api/client";
import type { Outline, StudyDetail } from "../api/types";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Card, Empty, Field, Trouble, Waiting } from "../ui/parts";
import { short } from "../ui/words";
import { Drawing } from "./drawing";
import { PixelCheck } from "./pixels";
import { NO_READING, ReadingFields } from "./reading";

function Form({ study }: { study: StudyDetail }): JSX.Element {
  const [consent, setConsent] = useState(false);
  const [reading, setReading] = useState(NO_READING);
  const [outlines, setOutlines] = useState<Outline[]>([]);
  const [sent, setSent] = useState(false);
  const [patient, setPatient] = useState("");
  const [looked, setLooked] = useState(false);
  // Only a study that came as DICOM says itself whose it is, and goes back as DICOM.
  const dicom = study.artefacts.some(({ kind }) => kind === "dicom");
  const send = useAction(async () => {
    const about = { patient, pixels_name_nobody: looked };
    await post(address("contributions"), { study: study.id, consent, ...reading, outlines, ...about });
    setSent(true);
  });
  if (sent) {
    return (
      <Empty title="Thank you">
        A second reader answers now, without seeing your label.{" "}
        <a href={`/studies/${study.id}`}>Back to the study</a>
      </Empty>
    );
  }
  return (
    <form
      class="study-columns"
      onSubmit={(event) => {
        event.preventDefault();
        send.run();
      }}
    >
      <Card title="Your reading" id="reading" class="form">
        <ReadingFields name="first" reading={reading} onChange={setReading} />
        {!dicom && (
          <Field
            label="Key of the patient"
            hint="Any key that all images of this person share, such as P-017; never a name. It is kept as a pseudonym. Without it the case joins no data set."
          >
            <input value={patient} onInput={(event) => setPatient(event.currentTarget.value)} />
          </Field>
        )}
        {!dicom && <PixelCheck study={study} confirmed={looked} onConfirm={setLooked} />}
        <label class="tick consent">
          <input
            type="checkbox"
            required
            checked={consent}
            onChange={(event) => setConsent(event.currentTarget.checked)}
          />
          <span>
            The patient, or the rules of this institution, permit that the de-identified images are
            used to train and test models.
          </span>
        </label>
        <Trouble problem={send.problem} />
        <button class="primary" disabled={send.busy || !consent || !reading.label || !(dicom || looked)}>
          Contribute
        </button>
      </Card>
      <Card
        title="Draw, if you like"
        id="draw"
        lead="Go round a lesion with the pen, a finger or the mouse. Ticking lesions is enough where you cannot draw."
      >
        <Drawing study={study} outlines={outlines} onOutlines={setOutlines} />
      </Card>
    </form>
  );
}

/** The page on which a case is contributed. */
export function Contribute({ id }: { id: string }): JSX.Element {
  useTitle("Contribute");
  const study = useLoaded(() => get<StudyDetail>(address("studies", id)), id);
  return (
    <>
      <div class="title-row">
        <h1>
          Contribute <small class="quiet">study {short(id)}</small>
        </h1>
        <a href={`/studies/${id}`}>Back to the study</a>
      </div>
      <Trouble problem={study.problem} />
      {study.value ? (
        <Form study={study.value} />
      ) : (
        !study.problem && <Waiting what="the study" />
      )}
    </>
  );
}
