/** Numbers and names for people, written as the report writes them. */

import type { Role, Study } from "../api/types";

const THIN = "\u202f";
const MINUS = "\u2212";

/** A share in per cent; never 0 or 100 for what is neither. */
export function percent(share: number, digits = 1): string {
  if (share > 0 && share < 0.0005) return `<0.1${THIN}%`;
  if (share < 1 && share >= 0.9995) return `>99.9${THIN}%`;
  return `${(share * 100).toFixed(digits)}${THIN}%`;
}

/** Like `percent`, with the decimals it takes to look different from the threshold. */
export function percentBeside(share: number, threshold: number): string {
  if (share === threshold || percent(share) !== percent(threshold)) return percent(share);
  for (let digits = 2; digits < 9; digits++) {
    if (percent(share, digits) !== percent(threshold, digits)) return percent(share, digits);
  }
  return percent(share);
}

/** A number with its unit and a true minus sign. */
export function quantity(value: number, unit: string, digits = 1): string {
  const number = Math.abs(value).toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${value < 0 ? MINUS : ""}${number}${THIN}${unit}`;
}

/** A number of bytes in the unit that fits. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes > 0 ? Math.min(Math.floor(Math.log10(bytes) / 3), 4) : 0;
  return quantity(bytes / 1000 ** step, units[step] ?? "B", step === 0 ? 0 : 1);
}

/** A moment in the reader's own time. */
export function moment(iso: string): string {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  if (today) return `today ${time}`;
  const day = date.toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
  return `${day}, ${time}`;
}

/** With a capital in front and a stop at the end. */
export function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

/** "1 slice", "2 slices". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const LABELS: Record<string, string> = {
  covid19: "COVID-19",
  other_pneumonia: "other pneumonia",
  neither: "neither",
};

const LESIONS: Record<string, string> = {
  GGO: "Ground-glass opacity",
  Csld: "Consolidation",
  CrPa: "Crazy-paving pattern",
  AirBr: "Air bronchogram",
  InSepThi: "Interlobular septal thickening",
};

/** What a reader can say of a study. */
export const LABEL_NAMES = Object.keys(LABELS);

/** The kinds of lesion that LA-DNN's data set knows. */
export const LESION_NAMES = Object.keys(LESIONS);

/** A study's id in short; eight digits tell studies of one workspace apart. */
export const short = (id: string): string => id.slice(0, 8);

const STAGES: Record<string, string> = {
  received: "Waiting for a worker",
  queued: "Waiting for a worker",
  screening: "Starting",
  reading: "Reading the images",
  judging: "Judging the slices",
  writing: "Writing the report",
};

/** What happens to a study under way. */
export const stageOf = ({ stage, status }: Pick<Study, "stage" | "status">): string =>
  STAGES[stage || status] ?? stage;

/** How far a study is, over all stages; `progress` is that of the judging alone. */
export function shareOf({ stage, progress }: Pick<Study, "stage" | "progress">): number {
  if (stage === "writing") return 0.85;
  return stage === "judging" ? 0.15 + 0.7 * progress : stage === "reading" ? 0.05 : 0;
}

/** A label in words; of one that is not told, nothing. */
export const label = (name: string | null): string =>
  name === null ? "" : (LABELS[name] ?? name.replaceAll("_", " "));

/** A kind of lesion in words. */
export const lesion = (kind: string): string => LESIONS[kind] ?? kind.replaceAll("_", " ");

const EXCLUDED: Record<string, string> = {
  three_labels: "three readers gave three labels",
  not_decidable: "the images do not decide it",
  image_unfit: "the images are not fit for it",
  text_in_pixels: "text that names the patient is drawn into the image",
  no_third_reader: "there is no third reader",
  given_by_mistake: "it was given by mistake",
};

/** Why an admin may exclude a case. */
export const EXCLUSIONS = Object.keys(EXCLUDED).filter((reason) => reason !== "three_labels");

/** Why a case is excluded, in words. */
export const excluded = (reason: string): string => EXCLUDED[reason] ?? reason;

/** The headline over a verdict. */
export function headline({ status, verdict, withheld }: Study, first: string): string {
  if (status === "rejected") return "Not judged";
  if (status === "failed") return "Failed";
  if (withheld) return "Not shown yet";
  if (verdict === "positive") return `Above threshold for ${label(first)}`;
  if (verdict === "negative") return `Below threshold for ${label(first)}`;
  if (verdict === "none") return "No call";
  return "Not judged yet";
}

/** The verdict in a word, for a table. */
export function verdictWord(study: Study): string {
  if (study.status === "rejected") return "Not judged";
  if (study.status === "failed") return "Failed";
  if (study.status !== "done") return "Under way";
  if (study.withheld) return "Not shown yet";
  return { positive: "Above threshold", negative: "Below threshold", none: "No call" }[study.verdict ?? "none"];
}

/** The tone that goes with a verdict: a class name. */
export function tone(study: Pick<Study, "status" | "verdict">): string {
  if (study.status === "rejected" || study.status === "failed") return "rejected";
  return study.status === "done" ? (study.verdict ?? "none") : "waiting";
}

const RANK: Role[] = ["viewer", "clinician", "reviewer", "admin"];

/** Whether a role may do what at least `needed` may. */
export const atLeast = (role: Role, needed: Role): boolean =>
  RANK.indexOf(role) >= RANK.indexOf(needed);
