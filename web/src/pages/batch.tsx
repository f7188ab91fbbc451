/** A batch of pictures: a table with thumbnails, live, and as CSV. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { address, bytes, get } from "../api/client";
import { follow } from "../api/events";
import type { Batch, Study } from "../api/types";
import { remembered } from "../api/queue";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Choice, Progress, Thumbnail, Trouble, Waiting } from "../ui/parts";
import { count, moment, percentBeside, shareOf, short, tone, verdictWord } from "../ui/words";
import { MiniGauge, withNews } from "./worklist";

type Order = "given" | "probability";

const ORDERS = [
  ["given", "as given"],
  ["probability", "highest first"],
] as const;

function Row({ study, number }: { study: Study; number: number }): JSX.Element {
  const { probability, threshold } = study;
  const over = study.status === "done" || study.status === "rejected";
  return (
    <tr>
      <td class="cell-thumb">
        <Thumbnail study={study} />
      </td>
      <th scope="row">
        <a href={`/studies/${study.id}`}>
          {remembered(study.id) ?? `Picture ${String(number)}`}{" "}
          <small class="quiet">{short(study.id)}</small>
        </a>
      </th>
      <td data-head="Verdict">
        {over || study.status === "failed" ? (
          <span class={`badge ${tone(study)}`}>{verdictWord(study)}</span>
        ) : (
          <Progress share={shareOf(study)} label={`Screening of picture ${String(number)}`} />
        )}
      </td>
      <td data-head="Probability" class="cell-gauge">
        {probability !== null && threshold !== null && (
          <>
            <span class="num">{percentBeside(probability, threshold)}</span>
            <MiniGauge study={study} />
          </>
        )}
      </td>
      <td data-head="Warnings">
        {(study.gate?.findings ?? []).map((one) => one.code.replaceAll("-", " ")).join(", ")}
      </td>
    </tr>
  );
}

/** Spreadsheets run what begins with one of these signs. */
const cell = (text: string): string =>
  `"${(/^[=+\-@\t]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

/** Put the files' names, which only this tab knows, before the service's table. */
function withNames(table: string): string {
  const named = (id: string): string => `${cell(remembered(id) ?? "")},${id},`;
  return table.replace(/^id,/, "file,id,").replace(/^([0-9a-f]{32}),/gm, (_, id: string) => named(id));
}

/** Hand a text to the reader as a file. */
function save(text: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

/** The page of a batch. */
export function BatchPage({ id }: { id: string }): JSX.Element {
  useTitle("Batch");
  const [order, setOrder] = useState<Order>("given");
  const { value: batch, problem, set } = useLoaded(() => get<Batch>(address("batches", id)), id);
  useEffect(
    () =>
      follow(
        (study) => {
          set((before) => {
            const known = before?.studies.some((one) => one.id === study.id);
            return before && known ? { ...before, studies: withNews(before.studies, study) } : before;
          });
        },
        () => undefined,
      ),
    [id, set],
  );
  const table = useAction(async () => {
    const text = new TextDecoder().decode(await bytes(`${address("batches", id)}.csv`));
    save(withNames(text), `batch-${short(id)}.csv`);
  });
  const rows = (batch?.studies ?? []).map((study, place) => ({ study, number: place + 1 }));
  if (order === "probability") {
    rows.sort((a, b) => (b.study.probability ?? -1) - (a.study.probability ?? -1));
  }
  const above = rows.filter(({ study }) => study.verdict === "positive").length;
  return (
    <>
      <div class="title-row">
        <h1>Batch of pictures</h1>
        <Choice label="Order" value={order} options={ORDERS} onChange={setOrder} />
        <button type="button" disabled={table.busy} onClick={table.run}>
          Table as CSV
        </button>
      </div>
      <Trouble problem={problem ?? table.problem} />
      {!batch && !problem && <Waiting what="the batch" />}
      {batch && (
        <>
          <p class="lead">
            {count(rows.length, "picture")}
            {rows[0] && ` received ${moment(rows[0].study.received)}`}, {above} above threshold.
          </p>
          <table class="stacking worklist batch">
            <thead>
              <tr>
                <th scope="col">Picture</th>
                <th scope="col">Study</th>
                <th scope="col">Verdict</th>
                <th scope="col">Probability and threshold</th>
                <th scope="col">Gate warnings</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ study, number }) => (
                <Row key={study.id} study={study} number={number} />
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  );
}
