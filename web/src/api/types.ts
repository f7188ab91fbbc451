/** What the service says, word for word as its REST API (version 1, /api/v1/openapi.json) has it. */

export type Role = "viewer" | "clinician" | "reviewer" | "admin";

export interface Session {
  user: { name: string; role: Role };
  workspace: { id: string; name: string };
  csrf: string;
  must_change_password: boolean;
}

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export type Status = "received" | "queued" | "screening" | "done" | "rejected" | "failed";
export type Call = "positive" | "negative" | "none";

export interface Finding {
  code: string;
  severity: "warning" | "rejection";
  sentence: string;
}

export interface Gate {
  verdict: "accepted" | "accepted_with_warnings" | "rejected";
  findings: Finding[];
}

export interface Study {
  id: string;
  received: string;
  kind: "volume" | "picture";
  status: Status;
  /** Of the worker: reading, judging, writing; empty while it waits. */
  stage: string;
  progress: number;
  verdict: Call | null;
  probability: number | null;
  threshold: number | null;
  abstained: string | null;
  gate: Gate | null;
  bundle: { name: string; version: string } | null;
  num_slices: number | null;
  /** Why there is no answer; empty where there is one. */
  reason: string;
  batch: string | null;
  /** There may be an answer that must not be seen before an own reading. */
  withheld: boolean;
}

export interface Artefact {
  name: string;
  kind: "report" | "volume" | "overlay" | "picture" | "dicom" | "data";
  media_type: string;
  size: number;
}

export interface SliceScore {
  index: number;
  z_mm: number | null;
  instance_number: number | null;
  probability: Record<string, number>;
  lesion_probability: Record<string, number>;
  weight: number;
}

export interface LesionFlag {
  kind: string;
  name: string;
  probability: number;
  threshold: number;
  present: boolean;
}

export interface LesionTotal {
  kind: string;
  name: string;
  count: number;
  ml: number | null;
  percent_of_lungs: number | null;
}

export interface LesionInstance {
  kind: string;
  score: number;
  start: [number, number, number];
  stop: [number, number, number];
  ml: number | null;
}

interface Fitted {
  data: string;
  criterion: string;
  num_cases: number;
  num_patients: number;
}

export interface Threshold {
  label: string;
  value: number;
  fitted: Fitted | null;
  /** On the tune data; null where the bundle does not say. */
  sensitivity: number | null;
  specificity: number | null;
}

interface Rule {
  thresholds: Threshold[];
  uncertain: [number, number] | null;
}

/** The parts of screening.json (schema 1.x) that the page shows. */
export interface Screening {
  id: string;
  notice: string;
  software: string;
  image: {
    kind: "volume" | "picture";
    shape: [number, number, number];
    spacing_mm: [number, number, number] | null;
    affine_lps: number[][] | null;
    window: { centre: number; width: number } | null;
  };
  gate: Gate & { measurements: Record<string, number | null> };
  prediction: {
    level: "picture" | "scan";
    call: Call;
    abstained: string | null;
    probability: Record<string, number>;
    threshold: Record<string, number>;
    calibrated: boolean;
  };
  slices: SliceScore[];
  top_slices: number[];
  lesions: LesionFlag[];
  lesion_totals: LesionTotal[];
  lesion_instances: LesionInstance[];
  involvement: { percent: number; lung_ml: number; dense_ml: number; method: string } | null;
  explanation: { method: string; label: string; peak: number } | null;
  bundle: { name: string; version: string; digest: string; recipe_digest: string };
  recipe: { labels: string[]; picture: Rule; scan: Rule; min_slices: number };
  provenance: { steps: string[] };
}

export interface StudyDetail extends Study {
  screening: Screening | null;
  artefacts: Artefact[];
}

export interface WhatIf {
  probability: number;
  call: Call;
  abstained: string | null;
}

export interface Predictive {
  ppv: number | null;
  npv: number | null;
}

export interface Batch {
  id: string;
  studies: Study[];
}

export type Point = [number, number];

export interface Outline {
  slice: number;
  kind: string;
  points: Point[];
}

export interface Reading {
  label: string;
  lesions: string[];
  comment: string;
}

/** Another's reading tells nothing (null) until the case is decided. */
export interface Review extends Omit<Reading, "label"> {
  user: string;
  label: string | null;
  agree: boolean | null;
}

export interface Contribution extends Omit<Reading, "label"> {
  /** Null until the case is decided, but for whoever gave it. */
  label: string | null;
  /** What it is accepted as. */
  final: string | null;
  /** Why it is excluded: a word. */
  reason: string;
  id: string;
  study: string;
  user: string;
  created: string;
  outlines: Outline[];
  status: "open" | "accepted" | "disputed" | "excluded";
  reviews: Review[];
}

export interface Agreement {
  kappa: number | null;
  interval: [number, number] | null;
  n: number;
}

export interface Bundle {
  name: string;
  version: string;
  current: boolean;
  card_html: string;
}

export interface User {
  name: string;
  role: Role;
  workspace: string;
  locked: boolean;
  created: string;
}

export interface NewUser {
  name: string;
  /** For the first sign-in; never shown again. */
  password: string;
}

export interface AuditEntry {
  id: number;
  at: string;
  user: string;
  action: string;
  subject: string;
  detail: string;
}

export interface AuditLog {
  items: AuditEntry[];
  next: number | null;
  broken_at: number | null;
}

export interface Settings {
  max_upload_mb: number;
  max_files: number;
  deidentify: boolean;
  /** After so many days studies are deleted; 0: never. */
  keep_days: number;
}

export interface Disk {
  total: number;
  used: number;
  free: number;
  /** Uploads are refused while less is free. */
  refused_below: number;
}

export interface Ways {
  /** Beside name and password: an institution's own accounts. */
  provider: { title: string; start: string } | null;
}

export interface Release {
  id: string;
  purpose: "training" | "locked";
  version: number;
  created: string;
  user: string;
  digest: string;
  /** Cases taken back since: above 0 nothing reads it any more. */
  num_withdrawn: number;
  about: { licence: string; num_cases: number; num_patients: number };
  /** Accepted cases that are not in it, with the reason. */
  left_out: Record<string, string>;
}

export interface Candidate {
  id: string;
  name: string;
  version: string;
  user: string;
  created: string;
  /** Null: it was not tried yet. */
  trial: {
    state: "queued" | "running" | "finished" | "failed";
    done: number;
    total: number;
    verdict: { holds: boolean; reasons: string[] } | null;
  } | null;
  times_tried: number;
}
