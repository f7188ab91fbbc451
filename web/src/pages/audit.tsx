/** The audit log, the newest entry first, and whether its chain of digests holds. */

import type { JSX } from "preact";

import { address, get, query } from "../api/client";
import type { AuditEntry, AuditLog } from "../api/types";
import { useAction, useLoaded } from "../ui/hooks";
import { Card, Trouble } from "../ui/parts";
import { moment, short } from "../ui/words";

/** Entries of the audit log that are read at a time. */
const ENTRIES = 100;

/** An id that the service made: only its beginning is shown. */
const HEX = /^[0-9a-f]{32}$/;

/** The log from its newest entry on, as far as was asked. */
function useAudit() {
  const first = query(address("audit"), { newest: "true", limit: ENTRIES });
  const loaded = useLoaded(() => get<AuditLog>(first), first);
  const older = useAction(async () => {
    const told = await get<AuditLog>(`${first}&after=${String(loaded.value?.next)}`);
    loaded.set((before) => before && { ...told, items: [...before.items, ...told.items] });
  });
  return { ...loaded, older };
}

function Entry({ entry }: { entry: AuditEntry }): JSX.Element {
  return (
    <tr>
      <td class="num">{entry.id}</td>
      <td class="when">{moment(entry.at)}</td>
      <td>{entry.user || <span class="quiet">the service</span>}</td>
      <td>{entry.action.replaceAll("-", " ")}</td>
      <td>
        <code title={entry.subject}>{HEX.test(entry.subject) ? short(entry.subject) : entry.subject}</code>
        {entry.detail && <small class="quiet"> {entry.detail}</small>}
      </td>
    </tr>
  );
}

/** The audit log. */
export function Audit(): JSX.Element {
  const { value, problem, older } = useAudit();
  return (
    <Card title="Audit log" id="audit" lead="Every entry carries a digest of all before it.">
      <Trouble problem={problem ?? older.problem} />
      {value && (
        <p class={`badge ${value.broken_at === null ? "negative" : "rejected"}`} role="status">
          {value.broken_at === null
            ? "The chain is unbroken"
            : `The chain is broken at entry ${String(value.broken_at)}`}
        </p>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="Audit entries">
        <table>
          <thead>
            <tr>
              <th scope="col" class="num">No.</th>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">Of</th>
            </tr>
          </thead>
          <tbody>
            {(value?.items ?? []).map((entry) => (
              <Entry key={entry.id} entry={entry} />
            ))}
          </tbody>
        </table>
      </div>
      {value?.next != null && (
        <p class="buttons">
          <button type="button" disabled={older.busy} onClick={older.run}>
            Older entries
          </button>
        </p>
      )}
    </Card>
  );
}
