/** Loading, debouncing, remembering: the few hooks that pages share. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { Problem } from "../api/client";

export interface Loaded<Value> {
  value: Value | null;
  problem: Problem | null;
  busy: boolean;
  again: () => void;
  set: (change: (value: Value | null) => Value | null) => void;
}

/** Make a problem of anything thrown. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  return new Problem(0, thrown instanceof Error ? thrown.message : String(thrown), "", "");
}

/** Load a value whenever `key` changes; an answer that comes too late is dropped. */
export function useLoaded<Value>(load: () => Promise<Value>, key: unknown): Loaded<Value> {
  const [value, setValue] = useState<Value | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(true);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let wanted = true;
    setBusy(true);
    load()
      .then((loaded) => {
        if (!wanted) return;
        setValue(() => loaded);
        setProblem(null);
      })
      .catch((thrown: unknown) => wanted && setProblem(asProblem(thrown)))
      .finally(() => wanted && setBusy(false));
    return () => {
      wanted = false;
    };
  }, [key, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  return { value, problem, busy, again, set: setValue };
}

export interface Action<Args extends unknown[]> {
  run: (...args: Args) => void;
  busy: boolean;
  problem: Problem | null;
}

/** Something that a button does: it says when it is busy, and its failure is shown. */
export function useAction<Args extends unknown[] = []>(
  act: (...args: Args) => Promise<void>,
): Action<Args> {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef(act);
  latest.current = act;
  const run = useCallback((...args: Args) => {
    setBusy(true);
    setProblem(null);
    latest
      .current(...args)
      .catch((thrown: unknown) => setProblem(asProblem(thrown)))
      .finally(() => setBusy(false));
  }, []);
  return { run, busy, problem };
}

/** A value that follows `value` once it has been still for `milliseconds`. */
export function useStill<Value>(value: Value, milliseconds: number): Value {
  const [still, setStill] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setStill(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return still;
}

/** Set the title of the window. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ctsieve, research use only`;
  }, [title]);
}
