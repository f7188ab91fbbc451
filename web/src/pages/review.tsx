/** Double reading: what waits for a second reader, and how well readers agree. */

import type { JSX } from "preact";
import { useContext, useState } from "preact/hooks";

import { address, get, post } from "../api/client";
import type { Agreement, Contribution, Settings } from "../api/types";
import { contributions, settings as loadSettings } from "../api/lists";
import { SessionContext, useMay } from "../session";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Card, Choice, Empty, Trouble, Waiting } from "../ui/parts";
import { count, label, lesion, moment } from "../ui/words";
import { NO_READING, ReadingFields } from "./reading";

type Status = Contribution["status"];

const STATES = [
  ["waiting", "waiting"],
  ["disputed", "disputed"],
  ["agreed", "agreed"],
  ["accepted", "accepted"],
] as const;

const TONES: Record<Status, string> = {
  waiting: "none",
  agreed: "negative",
  accepted: "negative",
  disputed: "positive",
  rejected: "rejected",
};

function Second(props: {
  contribution: Contribution;
  settings: Settings;
  onDone: () => void;
}): JSX.Element {
  const { contribution, settings, onDone } = props;
  const [reading, setReading] = useState(NO_READING);
  const send = useAction(async () => {
    const agree = reading.label === contribution.label;
    await post(address("contributions", contribution.id, "reviews"), { ...reading, agree });
    onDone();
  });
  return (
    <form
      class="form second"
      onSubmit={(event) => {
        event.preventDefault();
        send.run();
      }}
    >
      <p class="quiet">
        The first reader's label is shown once you have answered.{" "}
        <a href={`/studies/${contribution.study}`}>Look at the study</a>
      </p>
      <ReadingFields
        name={contribution.id}
        reading={reading}
        settings={settings}
        onChange={setReading}
      />
      <Trouble problem={send.problem} />
      <button class="primary" disabled={send.busy || !reading.label}>
        Answer
      </button>
    </form>
  );
}

function Readings({ contribution }: { contribution: Contribution }): JSX.Element {
  const first = { ...contribution, label: contribution.label ?? "", agree: true };
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">Reader</th>
          <th scope="col">Label</th>
          <th scope="col">Lesions</th>
          <th scope="col">Comment</th>
        </tr>
      </thead>
      <tbody>
        {[first, ...contribution.reviews].map((reading) => (
          <tr key={`${reading.by} ${reading.received}`}>
            <th scope="row">{reading.by}</th>
            <td data-head="Label">{label(reading.label)}</td>
            <td data-head="Lesions">{reading.lesions.map(lesion).join(", ")}</td>
            <td data-head="Comment">{reading.comment}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Case(props: {
  contribution: Contribution;
  settings: Settings;
  onDone: () => void;
}): JSX.Element {
  const { contribution } = props;
  const session = useContext(SessionContext);
  const [open, setOpen] = useState(false);
  const mayReview = useMay("reviewer") && session?.user.name !== contribution.by;
  const waiting = contribution.status === "waiting";
  return (
    <li class="card">
      <div class="title-row">
        <h2>
          Study <a href={`/studies/${contribution.study}`}>{contribution.study}</a>
        </h2>
        <span class={`badge ${TONES[contribution.status]}`}>{contribution.status}</span>
        {waiting && mayReview && (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            Read it
          </button>
        )}
      </div>
      <p class="quiet">
        By {contribution.by}, {moment(contribution.received)}
        {contribution.outlines.length > 0 && `, ${count(contribution.outlines.length, "outline")}`}
      </p>
      {waiting ? open && <Second {...props} /> : <Readings contribution={contribution} />}
    </li>
  );
}

function Kappa({ agreement }: { agreement: Agreement }): JSX.Element {
  const { kappa, interval, n } = agreement;
  return (
    <Card
      title="Agreement of readers"
      id="agreement"
      lead="Cohen's kappa: 1 is perfect, 0 is what chance would give."
    >
      {kappa === null ? (
        <p>Nothing has been read twice yet.</p>
      ) : (
        <p>
          <strong class="figure">{kappa.toFixed(2)}</strong>
          {interval && ` (95 % interval ${interval[0].toFixed(2)} to ${interval[1].toFixed(2)})`},{" "}
          {count(n, "case")} read twice.
        </p>
      )}
    </Card>
  );
}

/** The page of double reading. */
export function Review(): JSX.Element {
  useTitle("Review");
  const [status, setStatus] = useState<(typeof STATES)[number][0]>("waiting");
  const cases = useLoaded(() => contributions(status), status);
  const agreement = useLoaded(() => get<Agreement>(address("agreement")), "agreement");
  const settings = useLoaded(loadSettings, "settings");
  const done = (): void => {
    cases.again();
    agreement.again();
  };
  const items = cases.value ?? [];
  return (
    <>
      <div class="title-row">
        <h1>Review</h1>
        <Choice label="Show" value={status} options={STATES} onChange={setStatus} />
      </div>
      {agreement.value && <Kappa agreement={agreement.value} />}
      <Trouble problem={cases.problem ?? agreement.problem ?? settings.problem} />
      {!cases.value && !cases.problem && <Waiting what="the cases" />}
      {cases.value && items.length === 0 && (
        <Empty title={`No case is ${status}`}>
          Cases come from the button “Contribute a label” on a study.
        </Empty>
      )}
      <ul class="plain-list">
        {settings.value &&
          items.map((one) => (
            <Case
              key={one.id}
              contribution={one}
              settings={settings.value as Settings}
              onDone={done}
            />
          ))}
      </ul>
    </>
  );
}
