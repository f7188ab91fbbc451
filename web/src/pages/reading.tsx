/** The questions that a first and a second reader answer alike. */

import type { JSX } from "preact";

import type { Reading } from "../api/types";
import { Field } from "../ui/parts";
import { LABEL_NAMES, LESION_NAMES, label, lesion } from "../ui/words";

export const NO_READING: Reading = { label: "", lesions: [], comment: "" };

/** Label, lesions, comment. */
export function ReadingFields(props: {
  name: string;
  reading: Reading;
  onChange: (reading: Reading) => void;
}): JSX.Element {
  const { name, reading, onChange } = props;
  const tick = (kind: string, ticked: boolean): void => {
    const others = reading.lesions.filter((one) => one !== kind);
    onChange({ ...reading, lesions: ticked ? [...others, kind] : others });
  };
  return (
    <>
      <fieldset>
        <legend>What does this study show?</legend>
        {LABEL_NAMES.map((one) => (
          <label key={one} class="tick">
            <input
              type="radio"
              required
              name={`label-${name}`}
              checked={reading.label === one}
              onChange={() => onChange({ ...reading, label: one })}
            />
            {label(one)}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Lesions that you see</legend>
        {LESION_NAMES.map((kind) => (
          <label key={kind} class="tick">
            <input
              type="checkbox"
              checked={reading.lesions.includes(kind)}
              onChange={(event) => tick(kind, event.currentTarget.checked)}
            />
            {lesion(kind)}
          </label>
        ))}
      </fieldset>
      <Field label="Comment" hint="No names, dates or numbers that tell who the patient is.">
        <textarea
          value={reading.comment}
          onInput={(event) => onChange({ ...reading, comment: event.currentTarget.value })}
        />
      </Field>
    </>
  );
}
