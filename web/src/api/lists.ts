/** People's answers as the service words them, turned into what the page shows. */

import { address, get, query } from "./client";
import type { AuditEntry, Contribution, Disk, Settings, User } from "./types";

type Row = Record<string, unknown>;

const LABELS = ["covid19", "other_pneumonia", "neither"];
const LESIONS = ["GGO", "Csld", "CrPa", "AirBr", "InSepThi"];
const DAYS = "keep_days";

const rowsOf = (told: Row[] | { items: Row[] }): Row[] => (Array.isArray(told) ? told : told.items);

const lists = async (url: string): Promise<Row[]> =>
  rowsOf(await get<Row[] | { items: Row[] }>(url));

/** The users of the service. */
export async function users(): Promise<User[]> {
  const rows = await lists(address("users"));
  return rows.map((row) => ({ last_seen: null, ...row }) as unknown as User);
}

/** The audit log, and whether its chain of digests holds. */
export async function auditLog(): Promise<{ items: AuditEntry[]; intact: boolean }> {
  const told = await get<{ items: Row[]; broken_at?: number | null; intact?: boolean }>(
    address("audit"),
  );
  const items = told.items.map(
    (row) => ({ number: row["id"], received: row["at"], by: row["user"], ...row }) as unknown as AuditEntry,
  );
  return { items, intact: told.intact ?? told.broken_at == null };
}

/** Room on the disk. */
export async function disk(): Promise<Disk> {
  const told = await get<Row>(address("disk"));
  return { used_bytes: told["used"], free_bytes: told["free"], ...told } as unknown as Disk;
}

/** What the service allows, and what can be said of a study. */
export async function settings(): Promise<Settings> {
  const told = await get<Row>(address("settings"));
  const most = Number(told["max_upload_mb"] ?? 0) * 1e6;
  return {
    max_upload_bytes: most,
    retention_days: told[DAYS] ?? null,
    labels: LABELS,
    lesions: LESIONS,
    ...told,
  } as unknown as Settings;
}

const review = (row: Row): Row => ({ by: row["user"], received: row["created"] ?? "", ...row });

/** Contributed cases in a state. */
export async function contributions(status: string): Promise<Contribution[]> {
  const rows = await lists(query(address("contributions"), {}));
  const cases = rows.map((row) => ({
    ...review(row),
    status: row["status"] === "open" ? "waiting" : row["status"],
    reviews: ((row["reviews"] as Row[] | undefined) ?? []).map(review),
  })) as unknown as Contribution[];
  return cases.filter((one) => one.status === status);
}
