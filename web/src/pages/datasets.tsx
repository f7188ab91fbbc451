/** Data sets made of accepted cases: releases to learn from, and locked sets to judge by. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get, post, query } from "../api/client";
import type { Contribution, Release } from "../api/types";
import { useMay } from "../session";
import { useAction, useLoaded } from "../ui/hooks";
import { Card, Field, Trouble } from "../ui/parts";
import { count, label, moment, short } from "../ui/words";

const PURPOSES = { training: "Release", locked: "Locked set" };

function Row({ release }: { release: Release }): JSX.Element {
  const { about, num_withdrawn: withdrawn } = release;
  const left = Object.keys(release.left_out).length;
  return (
    <tr>
      <th scope="row">
        {PURPOSES[release.purpose]} {release.version}{" "}
        {withdrawn > 0 && <span class="badge rejected">{count(withdrawn, "case")} taken back</span>}
      </th>
      <td data-head="Made">
        {moment(release.created)} by {release.user}
      </td>
      <td data-head="Holds">
        {count(about.num_cases, "case")} of {count(about.num_patients, "patient")}
        {left > 0 && (
          <small class="quiet" title={Object.values(release.left_out).join("; ")}>
            {" "}
            ({left} left out)
          </small>
        )}
      </td>
      <td data-head="Digest">
        <code title={release.digest}>{release.digest.slice(0, 12)}</code>
      </td>
      <td>
        {withdrawn === 0 && (
          <a
            href={address("releases", release.id, "archive")}
            download={`${release.purpose}-${String(release.version)}.zip`}
          >
            Download
          </a>
        )}
      </td>
    </tr>
  );
}

function Locking(props: { onDone: () => void }): JSX.Element {
  const url = query(address("contributions"), { status: "accepted" });
  const { value, problem } = useLoaded(() => get<Contribution[]>(url), url);
  const [cases, setCases] = useState<string[]>([]);
  const lock = useAction(async () => {
    await post(address("locked-sets"), { cases });
    setCases([]);
    props.onDone();
  });
  const tick = (id: string, ticked: boolean): void =>
    setCases(ticked ? [...cases, id] : cases.filter((one) => one !== id));
  return (
    <details>
      <summary>Keep cases back to judge models by</summary>
      <p class="quiet small">
        For good, with all cases of the same patients. No model that is tried here may have learnt
        from them.
      </p>
      {(value ?? []).map((one) => (
        <label key={one.id} class="tick">
          <input
            type="checkbox"
            checked={cases.includes(one.id)}
            onChange={(event) => tick(one.id, event.currentTarget.checked)}
          />
          {short(one.study)}, {label(one.final)}, by {one.user}
        </label>
      ))}
      <Trouble problem={problem ?? lock.problem} />
      <p class="buttons">
        <button type="button" disabled={cases.length === 0 || lock.busy} onClick={lock.run}>
          Keep {count(cases.length, "case")} back
        </button>
      </p>
    </details>
  );
}

function Releasing(props: { onDone: () => void }): JSX.Element {
  const [licence, setLicence] = useState("use within this institution only");
  const make = useAction(async () => {
    await post(address("releases"), { licence });
    props.onDone();
  });
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        make.run();
      }}
    >
      <Field label="May be used" hint="A licence, such as CC-BY-4.0, or a sentence.">
        <input
          required
          value={licence}
          onInput={(event) => setLicence(event.currentTarget.value)}
        />
      </Field>
      <button disabled={make.busy}>Release all other accepted cases</button>
      <Trouble problem={make.problem} />
    </form>
  );
}

/** The data sets of the workspace; nothing for those who may not see them. */
export function DataSets(): JSX.Element | null {
  const maySee = useMay("reviewer");
  return maySee ? <Shown /> : null;
}

function Shown(): JSX.Element {
  const mayMake = useMay("admin");
  const { value, problem, again } = useLoaded(() => get<Release[]>(address("releases")), "releases");
  return (
    <Card
      title="Data sets"
      id="data-sets"
      lead="Accepted cases, de-identified and split by patient. A release never changes; taking a case back ends it."
    >
      <Trouble problem={problem} />
      {value?.length === 0 && <p class="quiet">None yet.</p>}
      {value && value.length > 0 && (
        <table class="stacking">
          <thead>
            <tr>
              <th scope="col">Data set</th>
              <th scope="col">Made</th>
              <th scope="col">Holds</th>
              <th scope="col">Digest</th>
              <th scope="col">
                <span class="unseen">Download</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {value.map((release) => (
              <Row key={release.id} release={release} />
            ))}
          </tbody>
        </table>
      )}
      {mayMake && (
        <>
          <Releasing onDone={again} />
          <Locking onDone={again} />
        </>
      )}
    </Card>
  );
}
