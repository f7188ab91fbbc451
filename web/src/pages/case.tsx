/** One contributed case: read it second or third, see what was said, close it, take it back. */

import type { JSX } from "preact";
import { useContext, useState } from "preact/hooks";

import { address, post, remove } from "../api/client";
import type { Contribution } from "../api/types";
import { SessionContext, useMay } from "../session";
import { useAction } from "../ui/hooks";
import { AskedTwice, Field, Trouble } from "../ui/parts";
import { EXCLUSIONS, count, excluded, label, lesion, moment, short } from "../ui/words";
import { NO_READING, ReadingFields } from "./reading";
import { Unaided } from "./unaided";

type Status = Contribution["status"];

export const STATES = [
  ["open", "open"],
  ["disputed", "disputed"],
  ["accepted", "accepted"],
  ["excluded", "excluded"],
] as const;

export const STATE_NAMES = Object.fromEntries(STATES) as Record<Status, string>;

const TONES: Record<Status, string> = {
  open: "none",
  accepted: "negative",
  disputed: "positive",
  excluded: "rejected",
};

interface Props {
  contribution: Contribution;
  onDone: () => void;
}

function Answer({ contribution, onDone }: Props): JSX.Element {
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
        {contribution.status === "disputed"
          ? "Two readers disagree. What they said is shown once you have answered: your label decides if it is one of theirs, and excludes the case if it is neither. "
          : "The first reader's label is shown once the case is decided. "}
        Here is the scan by itself: what the network says is shown once you have answered.
      </p>
      <Unaided study={contribution.study} />
      <ReadingFields name={contribution.id} reading={reading} onChange={setReading} />
      <Trouble problem={send.problem} />
      <button class="primary" disabled={send.busy || !reading.label}>
        Answer
      </button>
    </form>
  );
}

/** The readings in their order; of those that are not shown, who gave them. */
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
            <td data-head="Label">
              {reading.label === null ? (
                <span class="quiet">not shown yet</span>
              ) : (
                label(reading.label)
              )}
            </td>
            <td data-head="Lesions">{reading.lesions.map(lesion).join(", ")}</td>
            <td data-head="Comment">{reading.comment}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Close({ contribution, onDone }: Props): JSX.Element {
  const [reason, setReason] = useState(EXCLUSIONS[0] ?? "");
  return (
    <AskedTwice
      ask="Exclude it"
      question="Exclude the case?"
      warning={
        <Field label="Reason">
          <select value={reason} onChange={(event) => setReason(event.currentTarget.value)}>
            {EXCLUSIONS.map((one) => (
              <option key={one} value={one}>
                {excluded(one)}
              </option>
            ))}
          </select>
        </Field>
      }
      action="Exclude it"
      run={async () => {
        await post(address("contributions", contribution.id, "close"), { reason });
        onDone();
      }}
    />
  );
}

function Outcome({ contribution }: { contribution: Contribution }): JSX.Element | null {
  if (contribution.final) {
    return (
      <p>
        Accepted as <strong>{label(contribution.final)}</strong>.
      </p>
    );
  }
  return contribution.reason ? <p>Excluded: {excluded(contribution.reason)}.</p> : null;
}

function next(status: Status, own: boolean): string {
  if (status === "disputed") return ": a third reader decides";
  return status === "open" && own ? ": somebody else reads it next" : "";
}

/** A case in the list of cases. */
export function Case(props: Props): JSX.Element {
  const { contribution, onDone } = props;
  const name = useContext(SessionContext)?.user.name;
  const [open, setOpen] = useState(false);
  const own = name === contribution.user;
  const hasRead = own || contribution.reviews.some(({ user }) => user === name);
  const isAdmin = useMay("admin");
  const undecided = contribution.status === "open" || contribution.status === "disputed";
  const mayRead = useMay("reviewer") && undecided && !hasRead;
  return (
    <li class="card">
      <div class="title-row">
        <h2>
          Study <a href={`/studies/${contribution.study}`}>{short(contribution.study)}</a>
        </h2>
        <span class={`badge ${TONES[contribution.status]}`}>{STATE_NAMES[contribution.status]}</span>
        {mayRead && (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            Read it
          </button>
        )}
        {undecided && isAdmin && <Close {...props} />}
        {(isAdmin || own) && (
          <AskedTwice
            ask="Take it back"
            question="Take the case back?"
            warning="Its images leave every data set; those end with it."
            action="Take it back"
            run={async () => {
              await remove(address("contributions", contribution.id));
              onDone();
            }}
          />
        )}
      </div>
      <p class="quiet">
        By {contribution.user}, {moment(contribution.created)}
        {next(contribution.status, own)}
        {contribution.outlines.length > 0 && `, ${count(contribution.outlines.length, "outline")}`}
      </p>
      <Outcome contribution={contribution} />
      {mayRead && open && <Answer {...props} />}
      {!mayRead && contribution.reviews.length > 0 && <Readings contribution={contribution} />}
    </li>
  );
}
