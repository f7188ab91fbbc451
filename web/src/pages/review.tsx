/** Double reading: what waits for a second reader, and how well readers agree. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, get, query } from "../api/client";
import type { Agreement, Contribution } from "../api/types";
import { useLoaded, useTitle } from "../ui/hooks";
import { Card, Choice, Empty, Trouble, Waiting } from "../ui/parts";
import { count } from "../ui/words";
import { Case, STATES, STATE_NAMES } from "./case";
import { DataSets } from "./datasets";

/** Kappa of fewer cases than this is mostly chance. */
const FEW = 20;

function Kappa({ agreement }: { agreement: Agreement }): JSX.Element {
  const { kappa, interval, n } = agreement;
  return (
    <Card
      title="Agreement of readers"
      id="agreement"
      lead="Cohen's kappa of first and second readers: 1 is perfect, 0 is what chance would give. Third readers do not count."
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
  const [status, setStatus] = useState<Contribution["status"]>("open");
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
        <Empty title={`No case is ${STATE_NAMES[status]}`}>
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
