/** Uploads under way; they go on while other pages are shown. */

import { useEffect, useState } from "preact/hooks";

import { asProblem } from "../ui/hooks";
import type { Problem } from "./client";
import { type Chosen, type Finished, type Kind, Upload } from "./uploads";

export interface Entry {
  readonly number: number;
  readonly title: string;
  readonly files: number;
  readonly kind: Kind;
  state: "waiting" | "sending" | "done" | "stopped" | "failed";
  sent: number;
  total: number;
  finished: Finished | null;
  problem: Problem | null;
}

const entries: Entry[] = [];
const uploads = new Map<number, Upload>();
const chosen = new Map<number, readonly Chosen[]>();
const listeners = new Set<() => void>();
let running = false;

function tell(): void {
  for (const listener of listeners) listener();
}

/** Add chosen files as one upload. */
export function enqueue(title: string, files: readonly Chosen[], kind: Kind): void {
  const number = entries.length + 1;
  const upload = new Upload(files, kind, (sent, total) => {
    Object.assign(entry, { sent, total });
    tell();
  });
  const entry: Entry = {
    number, title, kind, files: files.length, state: "waiting", sent: 0, total: upload.total,
    finished: null, problem: null,
  };
  entries.unshift(entry);
  uploads.set(number, upload);
  chosen.set(number, files);
  tell();
  void work();
}

/** Stop an upload; `resume` goes on where it stopped. */
export function stop(entry: Entry): void {
  entry.state = "stopped";
  uploads.get(entry.number)?.stop();
  tell();
}

/** Go on with an upload that was stopped or failed. */
export function resume(entry: Entry): void {
  Object.assign(entry, { state: "waiting", problem: null });
  tell();
  void work();
}

/** One upload after the other, the oldest first. */
async function work(): Promise<void> {
  if (running) return;
  running = true;
  for (let next = oldest(); next; next = oldest()) await sendOne(next);
  running = false;
}

const oldest = (): Entry | undefined => entries.findLast((entry) => entry.state === "waiting");

async function sendOne(entry: Entry): Promise<void> {
  entry.state = "sending";
  tell();
  try {
    entry.finished = (await uploads.get(entry.number)?.run()) ?? null;
    entry.state = "done";
    uploads.delete(entry.number);
    remember(entry, chosen.get(entry.number) ?? []);
    chosen.delete(entry.number);
  } catch (thrown) {
    if (wasStopped(entry)) return;
    Object.assign(entry, { state: "failed", problem: asProblem(thrown) });
  } finally {
    tell();
  }
}

const wasStopped = (entry: Entry): boolean => entry.state === "stopped";

/** File names stay in this tab: the service does not keep them, for they may name a person. */
function remember(entry: Entry, files: readonly Chosen[]): void {
  const studies = entry.finished?.studies ?? [];
  for (const { id, file } of studies) {
    const name = studies.length === 1 ? entry.title : files[file ?? -1]?.name;
    if (name) sessionStorage.setItem(id, name);
  }
}

/** What this tab remembers a study by. */
export const remembered = (study: string): string | null => sessionStorage.getItem(study);

/** All uploads of this visit, the newest first. */
export function useUploads(): readonly Entry[] {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = (): void => redraw((turn) => turn + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return entries;
}

addEventListener("beforeunload", (event) => {
  if (entries.some(({ state }) => state === "sending" || state === "waiting")) {
    event.preventDefault();
  }
});
