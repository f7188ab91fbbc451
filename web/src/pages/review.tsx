/** Double reading: what waits for a second reader, and how well readers agree. */

import type { JSX } from "preact";
import { useContext, useState } from "preact/hooks";

import { address, get, post, query, remove } from "../api/client";
import type { Agreement, Contribution } from "../api/types";
import { SessionContext, useMay } from "../session";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { AskedTwice, Card, Choice, Empty, Trouble, Waiting } from "../ui/parts";
import { count, label, lesion, moment, short } from "../ui/words";
import { DataSets } from "./datasets";
import { NO_READING, ReadingFields } from "./reading";

type Status = Contribution["status"];

const STATES = [
  ["open", "to be read"],
  ["disputed", "disputed"],
  ["accepted", "accepted"],
] as const;

const NAMES = Object.fromEntries(STATES) as Record<Status, string>;

const TONES: Record<Status, string> = {
  open: "none",
  accepted: "negative",
  disputed: "positive",
};

function Second(props: {
  contribution: Contribution;
  onDone: () => void;
}): JSX.Element {
  const { contribution, onDone } = props;
  const [reading, setReading] = useState(NO_READING);
  const send = useAction(async () => {
    await post(address("contributions", contribution.id, "reviews"), reading);
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
        <a href={`/studies/${contribution.study}`} target="_blank" rel="noopener">
          Look at the study
        </a>
      </p>
      <ReadingFields name={contribution.id} reading={reading} onChange={setReading} />
      <Trouble problem={send.problem} />
      <button class="primary" disabled={send.busy || !reading.label}>
        Answer
      </button>
    </form>
  );
}

function Readings({ contribution }: { contribution: Contribution }): JSX.Element {
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
        {[contribution, ...contribution.reviews].map((reading) => (
          <tr key={reading.user}>
            <th scope="row">{reading.user}</th>
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
  onDone: () => void;
}): JSX.Element {
  const { contribution } = props;
  const session = useContext(SessionContext);
  const [open, setOpen] = useState(false);
  const own = session?.user.name === contribution.user;
  const mayReview = useMay("reviewer") && !own;
  const mayTakeBack = useMay("admin") || own;
  const waiting = contribution.status === "open";
  return (
    <li class="card">
      <div class="title-row">
        <h2>
          Study <a href={`/studies/${contribution.study}`}>{short(contribution.study)}</a>
        </h2>
        <span class={`badge ${TONES[contribution.status]}`}>{NAMES[contribution.status]}</span>
        {waiting && mayReview && (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            Read it
          </button>
        )}
        {mayTakeBack && (
          <AskedTwice
            ask="Take it back"
            question="Take the case back?"
            warning="Its images leave every data set; those end with it."
            action="Take it back"
            run={async () => {
              await remove(address("contributions", contribution.id));
              props.onDone();
            }}
          />
        )}
      </div>
      <p class="quiet">
        By {contribution.user}, {moment(contribution.created)}
        {waiting && own && ": somebody else reads it next"}
        {contribution.outlines.length > 0 && `, ${count(contribution.outlines.length, "outline")}`}
      </p>
      {waiting ? open && <Second {...props} /> : <Readings contribution={contribution} />}
    </li>
  );
}

/** Kappa of fewer cases than this is mostly chance. */
const FEW = 20;

function Kappa({ agreement }: { agreement: Agreement }): JSX.Element {
  const { kappa, interval, n } = agreement;
  return (
    <Card
      title="Agreement of readers"
      id="agreement"
      lead="Cohen's kappa: 1 is perfect, 0 is what chance would give."
    >
      {n === 0 ? (
        <p>Nothing has been read twice yet.</p>
      ) : (
        <p>
          <strong class="figure">{kappa === null ? "not defined" : kappa.toFixed(2)}</strong>
          {kappa === null && " while every reading has the same label"}
          {interval &&
            interval[0] < interval[1] &&
            ` (95 % interval ${interval[0].toFixed(2)} to ${interval[1].toFixed(2)})`}
          , {count(n, "case")} read twice.
        </p>
      )}
      {n > 0 && n < FEW && (
        <p class="caution small">So few cases say little about how well readers agree.</p>
      )}
    </Card>
  );
}

/** The page of double reading. */
export function Review(): JSX.Element {
  useTitle("Review");
  const [status, setStatus] = useState<Status>("open");
  const url = query(address("contributions"), { status });
  const cases = useLoaded(() => get<Contribution[]>(url), url);
  const agreement = useLoaded(() => get<Agreement>(address("agreement")), "agreement");
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
      <Trouble problem={cases.problem ?? agreement.problem} />
      {!cases.value && !cases.problem && <Waiting what="the cases" />}
      {cases.value && items.length === 0 && (
        <Empty title={`No case is ${NAMES[status]}`}>
          Cases come from the button “Contribute a label” on a study.
        </Empty>
      )}
      <ul class="plain-list">
        {items.map((one) => (
          <Case key={one.id} contribution={one} onDone={done} />
        ))}
      </ul>
      <DataSets />
    </>
  );
}
