/** The worklist: every study of the workspace, live, filtered and sorted. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { address, get, query } from "../api/client";
import { type Link, follow } from "../api/events";
import { remembered } from "../api/queue";
import type { Page, Study } from "../api/types";
import { useMay } from "../session";
import { type Loaded, useLoaded, useStill, useTitle } from "../ui/hooks";
import { Empty, Field, Progress, Thumbnail, Trouble, Waiting } from "../ui/parts";
import { count, moment, percentBeside, shareOf, short, stageOf, tone, verdictWord } from "../ui/words";

const PAGE = 100;

type Sorting = "received" | "probability" | "status";

const SORTS: readonly (readonly [Sorting, string])[] = [
  ["received", "newest first"],
  ["probability", "highest probability first"],
  ["status", "waiting first"],
];

const FILTERS = [
  ["", "all"],
  ["above", "above threshold"],
  ["below", "below threshold"],
  ["nocall", "no call"],
  ["warned", "with warnings"],
  ["way", "under way"],
  ["trouble", "not judged or failed"],
] as const;

type Filter = (typeof FILTERS)[number][0];

const KEEPS: Record<Filter, (study: Study) => boolean> = {
  "": () => true,
  above: (study) => study.status === "done" && study.verdict === "positive",
  below: (study) => study.status === "done" && study.verdict === "negative",
  nocall: (study) => study.status === "done" && study.verdict === "none",
  warned: (study) => study.gate?.verdict === "accepted_with_warnings",
  way: (study) => ["received", "queued", "screening"].includes(study.status),
  trouble: (study) => study.status === "rejected" || study.status === "failed",
};

const ORDERS: Record<Sorting, (a: Study, b: Study) => number> = {
  received: (a, b) => b.received.localeCompare(a.received),
  probability: (a, b) => (b.probability ?? -1) - (a.probability ?? -1),
  status: (a, b) => Number(KEEPS.way(b)) - Number(KEEPS.way(a)) || ORDERS.received(a, b),
};

/** Put a study's newest state into a list, in front if it is new. */
export function withNews(items: readonly Study[], study: Study): Study[] {
  const known = items.some(({ id }) => id === study.id);
  if (!known) return [study, ...items];
  return items.map((before) => (before.id === study.id ? { ...before, ...study } : before));
}

/** Studies that stay up to date. */
export function useLiveStudies(search: string): Loaded<Page<Study>> & { link: Link } {
  const [link, setLink] = useState<Link>("connecting");
  const url = query(address("studies"), { q: search, limit: PAGE });
  const loaded = useLoaded(() => get<Page<Study>>(url), url);
  const { set } = loaded;
  useEffect(
    () =>
      follow((study) => {
        if (search && !study.id.includes(search)) return;
        set((page) => page && { ...page, items: withNews(page.items, study) });
      }, setLink),
    [search, set],
  );
  return { ...loaded, link };
}

/** How sure, as a bar with the threshold on it. */
export function MiniGauge({ study }: { study: Study }): JSX.Element | null {
  const { probability, threshold } = study;
  if (probability === null || threshold === null) return null;
  return (
    <svg class={`mini ${tone(study)}`} viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
      <rect class="track" width="100" height="10" rx="2" />
      <rect class="fill" width={probability * 100} height="10" rx="2" />
      <rect class="limit" x={threshold * 100 - 0.75} width="1.5" height="10" />
    </svg>
  );
}

function Verdict({ study }: { study: Study }): JSX.Element {
  if (KEEPS.way(study)) {
    return (
      <div class="under-way">
        <Progress share={shareOf(study)} label={`Screening of ${study.id}`} />
        <small>{stageOf(study)}</small>
      </div>
    );
  }
  return <span class={`badge ${tone(study)}`}>{verdictWord(study)}</span>;
}

function Gate({ study }: { study: Study }): JSX.Element {
  const findings = study.gate?.findings ?? [];
  const first = findings[0];
  if (!first) return <span class="quiet">{study.reason || (study.gate ? "none" : "")}</span>;
  return (
    <span class={`gate-note ${study.gate?.verdict ?? ""}`} title={first.sentence}>
      {first.code.replaceAll("-", " ")}
      {findings.length > 1 && ` and ${String(findings.length - 1)} more`}
    </span>
  );
}

function Row({ study }: { study: Study }): JSX.Element {
  const name = remembered(study.id);
  const { probability, threshold } = study;
  return (
    <tr>
      <th scope="row">
        <span class="with-thumbnail">
          <Thumbnail study={study} />
          <span>
            <a href={`/studies/${study.id}`}>{name ?? short(study.id)}</a>
            {name && <small class="quiet"> {short(study.id)}</small>}
          </span>
        </span>
      </th>
      <td data-head="Received">{moment(study.received)}</td>
      <td data-head="Kind">
        {study.kind === "picture" ? "picture" : study.num_slices ? count(study.num_slices, "slice") : "scan"}
      </td>
      <td data-head="Verdict" class="cell-verdict">
        <Verdict study={study} />
      </td>
      <td data-head="Probability" class="cell-gauge">
        {probability !== null && threshold !== null && (
          <>
            <span class="num">{percentBeside(probability, threshold)}</span>
            <MiniGauge study={study} />
          </>
        )}
      </td>
      <td data-head="Gate">
        <Gate study={study} />
      </td>
    </tr>
  );
}

/** Studies as a table. */
export function StudyTable({ studies }: { studies: readonly Study[] }): JSX.Element {
  return (
    <table class="stacking worklist">
      <thead>
        <tr>
          <th scope="col">Study</th>
          <th scope="col">Received</th>
          <th scope="col">Kind</th>
          <th scope="col">Verdict</th>
          <th scope="col">Probability and threshold</th>
          <th scope="col">Gate warnings</th>
        </tr>
      </thead>
      <tbody>
        {studies.map((study) => (
          <Row key={study.id} study={study} />
        ))}
      </tbody>
    </table>
  );
}

const LINK: Record<Link, string> = {
  connecting: "connecting …",
  live: "live",
  lost: "connection lost, trying again",
};

/** The worklist page. */
export function Worklist(): JSX.Element {
  useTitle("Worklist");
  const mayUpload = useMay("clinician");
  const [typed, setTyped] = useState("");
  const [filter, setFilter] = useState<Filter>("");
  const [sorting, setSorting] = useState<Sorting>("received");
  const { value, problem, link } = useLiveStudies(useStill(typed.trim(), 250));
  const shown = (value?.items ?? []).filter(KEEPS[filter]).sort(ORDERS[sorting]);
  return (
    <>
      <div class="title-row">
        <h1>Worklist</h1>
        <span class={`link-state ${link}`} role="status">
          {LINK[link]}
        </span>
        {mayUpload && (
          <a class="button primary" href="/upload">
            Upload a study
          </a>
        )}
      </div>
      <div class="filters" role="search">
        <Field label="Find by id">
          <input
            type="search"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </Field>
        <Field label="Show">
          <select
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value as Filter)}
          >
            {FILTERS.map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Order">
          <select
            value={sorting}
            onChange={(event) => setSorting(event.currentTarget.value as Sorting)}
          >
            {SORTS.map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <Trouble problem={problem} />
      {!value && !problem && <Waiting what="the worklist" />}
      {value && shown.length > 0 && <StudyTable studies={shown} />}
      {value && shown.length === 0 && (
        <Empty title={value.items.length > 0 ? "No study is like that" : "No studies yet"}>
          {value.items.length > 0 ? "Choose another filter." : "Upload one to begin."}
        </Empty>
      )}
      {value?.next && <p class="quiet">The newest {PAGE} are shown; find older ones by id.</p>}
    </>
  );
}
