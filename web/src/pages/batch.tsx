/** A batch of pictures: a table with thumbnails, live, and as CSV. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { address, get } from "../api/client";
import { follow } from "../api/events";
import type { Batch, Study } from "../api/types";
import { useLoaded, useTitle } from "../ui/hooks";
import { Choice, Progress, Trouble, Waiting } from "../ui/parts";
import { count, moment, percentBeside, tone, verdictWord } from "../ui/words";
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
        {over && (
          <img src={address("studies", study.id, "artefacts", "thumbnail.png")} alt="" loading="lazy" />
        )}
      </td>
      <th scope="row">
        <a href={`/studies/${study.id}`}>
          Picture {number} <small class="quiet">{study.id}</small>
        </a>
      </th>
      <td data-head="Verdict">
        {over || study.status === "failed" ? (
          <span class={`badge ${tone(study)}`}>{verdictWord(study)}</span>
        ) : (
          <Progress share={study.progress} label={`Screening of picture ${String(number)}`} />
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

/** The page of a batch. */
export function BatchPage({ id }: { id: string }): JSX.Element {
  useTitle("Batch");
  const [order, setOrder] = useState<Order>("given");
  const { value: batch, problem, set } = useLoaded(() => get<Batch>(address("batches", id)), id);
  useEffect(
    () =>
      follow(
        (study) => {
          if (study.batch !== id) return;
          set((before) => before && { ...before, items: withNews(before.items, study) });
        },
        () => undefined,
      ),
    [id, set],
  );
  const rows = (batch?.items ?? []).map((study, place) => ({ study, number: place + 1 }));
  if (order === "probability") {
    rows.sort((a, b) => (b.study.probability ?? -1) - (a.study.probability ?? -1));
  }
  const above = rows.filter(({ study }) => study.verdict === "positive").length;
  return (
    <>
      <div class="title-row">
        <h1>Batch of pictures</h1>
        <Choice label="Order" value={order} options={ORDERS} onChange={setOrder} />
        <a class="button" href={`${address("batches", id)}.csv`} download={`batch-${id}.csv`}>
          Table as CSV
        </a>
      </div>
      <Trouble problem={problem} />
      {!batch && !problem && <Waiting what="the batch" />}
      {batch && (
        <>
          <p class="lead">
            {count(rows.length, "picture")} received {moment(batch.received)}, {above} above
            threshold.
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
