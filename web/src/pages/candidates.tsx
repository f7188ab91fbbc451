/** Candidate models: sent, tried on the locked sets, promoted only if shown to be not worse. */

import type { JSX, TargetedEvent } from "preact";
import { useEffect } from "preact/hooks";

import { address, get, post, upload } from "../api/client";
import type { Candidate } from "../api/types";
import { useMay } from "../session";
import { useAction, useLoaded } from "../ui/hooks";
import { Card, Progress, Trouble } from "../ui/parts";
import { count, moment, sentence } from "../ui/words";

const LOOK_AGAIN_MS = 3000;

function Trial({ trial }: { trial: Candidate["trial"] }): JSX.Element {
  if (!trial) return <p class="quiet">Not tried yet.</p>;
  if (trial.verdict?.holds) return <span class="badge negative">not worse</span>;
  if (trial.verdict) {
    return (
      <>
        <span class="badge positive">not shown to be as good</span>
        <ul class="reasons">
          {trial.verdict.reasons.map((reason) => (
            <li key={reason}>{sentence(reason)}</li>
          ))}
        </ul>
      </>
    );
  }
  if (trial.state === "failed") return <span class="badge rejected">the trial failed</span>;
  return <Progress share={trial.total ? trial.done / trial.total : 0} label="Trial" />;
}

function One(props: { candidate: Candidate; onChanged: () => void }): JSX.Element {
  const { candidate, onChanged } = props;
  const { trial } = candidate;
  const mayChange = useMay("admin");
  const act = useAction(async (what: "try" | "promote") => {
    await post(address("candidates", candidate.id, what));
    onChanged();
  });
  return (
    <li class="candidate">
      <div class="title-row">
        <h3>
          {candidate.name} <small class="quiet">{candidate.version}</small>
        </h3>
        {mayChange && (
          <>
            <button type="button" disabled={act.busy} onClick={() => act.run("try")}>
              Try it on the locked sets
            </button>
            <button
              type="button"
              disabled={act.busy || !trial?.verdict?.holds}
              onClick={() => act.run("promote")}
            >
              Promote
            </button>
          </>
        )}
      </div>
      <p class="quiet small">
        Sent {moment(candidate.created)} by {candidate.user}; the locked sets have judged{" "}
        {count(candidate.times_tried, "candidate")}.
      </p>
      <Trial trial={trial} />
      <Trouble problem={act.problem} />
    </li>
  );
}

/** The candidates; nothing for those who may not see them. */
export function Candidates(props: { onPromoted: () => void }): JSX.Element | null {
  const maySee = useMay("reviewer");
  return maySee ? <Shown {...props} /> : null;
}

function Shown(props: { onPromoted: () => void }): JSX.Element {
  const mayChange = useMay("admin");
  const { value, problem, again } = useLoaded(
    () => get<Candidate[]>(address("candidates")),
    "candidates",
  );
  const waiting = (value ?? []).some(({ trial }) => trial !== null && /queued|running/.test(trial.state));
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(again, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [waiting, again]);
  const send = useAction(async (file: File) => {
    await upload(address("candidates"), file);
    again();
  });
  const chosen = (event: TargetedEvent<HTMLInputElement>): void => {
    const [file] = event.currentTarget.files ?? [];
    event.currentTarget.value = "";
    if (file) send.run(file);
  };
  return (
    <Card
      title="Candidates"
      id="candidates"
      lead="A candidate takes over only if the locked sets show it to be not worse than the model in use."
    >
      <Trouble problem={problem ?? send.problem} />
      {value?.length === 0 && <p class="quiet">None.</p>}
      <ul class="plain-list">
        {(value ?? []).map((candidate) => (
          <One
            key={candidate.id}
            candidate={candidate}
            onChanged={() => {
              again();
              props.onPromoted();
            }}
          />
        ))}
      </ul>
      {mayChange && (
        <label class="field send-candidate">
          <span>{send.busy ? "Sending …" : "Send a candidate (.ctsieve)"}</span>
          <input type="file" accept=".ctsieve" disabled={send.busy} onChange={chosen} />
        </label>
      )}
    </Card>
  );
}
