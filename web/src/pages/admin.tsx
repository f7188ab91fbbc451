/** Administration: users, keys, audit log, disk. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { address, patch, post } from "../api/client";
import type { Role, User } from "../api/types";
import { auditLog, disk, settings, users } from "../api/lists";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Card, Field, Progress, Trouble } from "../ui/parts";
import { count, moment, size } from "../ui/words";

const ROLES: readonly Role[] = ["viewer", "clinician", "reviewer", "admin"];

function RoleSelect(props: { label: string; value: Role; onChange: (role: Role) => void }): JSX.Element {
  return (
    <select
      aria-label={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value as Role)}
    >
      {ROLES.map((role) => (
        <option key={role} value={role}>
          {role}
        </option>
      ))}
    </select>
  );
}

function UserRow(props: {
  user: User;
  onChanged: () => void;
  onSecret: (text: string) => void;
}): JSX.Element {
  const { user, onChanged, onSecret } = props;
  const change = useAction(async (wanted: Partial<User>) => {
    await patch(address("users", user.name), wanted);
    onChanged();
  });
  const key = useAction(async () => {
    const made = await post<{ key: string }>(address("users", user.name, "keys"), { note: "page" });
    onSecret(`API key of ${user.name}: ${made.key}`);
  });
  return (
    <tr>
      <th scope="row">
        {user.name} {user.locked && <span class="badge rejected">locked</span>}
      </th>
      <td data-head="Role">
        <RoleSelect
          label={`Role of ${user.name}`}
          value={user.role}
          onChange={(role) => change.run({ role })}
        />
        <Trouble problem={change.problem ?? key.problem} />
      </td>
      <td data-head="Last seen">{user.last_seen ? moment(user.last_seen) : "never"}</td>
      <td class="cell-buttons">
        <button type="button" disabled={change.busy} onClick={() => change.run({ locked: !user.locked })}>
          {user.locked ? "Unlock" : "Lock"}
        </button>
        <button type="button" disabled={key.busy} onClick={key.run}>
          New key
        </button>
      </td>
    </tr>
  );
}

function NewUser(props: { onMade: (secret: string) => void }): JSX.Element {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("clinician");
  const add = useAction(async () => {
    const made = await post<User & { password: string }>(address("users"), { name, role });
    setName("");
    props.onMade(`One-time password of ${made.name}: ${made.password}`);
  });
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        add.run();
      }}
    >
      <Field label="New user">
        <input
          required
          autoComplete="off"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </Field>
      <Field label="Role">
        <RoleSelect label="Role of the new user" value={role} onChange={setRole} />
      </Field>
      <button class="primary" disabled={add.busy}>
        Add
      </button>
      <Trouble problem={add.problem} />
    </form>
  );
}

function Users(): JSX.Element {
  const { value, problem, again } = useLoaded(users, "users");
  const [secret, setSecret] = useState("");
  return (
    <Card title="Users" id="users" lead="A locked user is signed out at once.">
      <NewUser
        onMade={(text) => {
          setSecret(text);
          again();
        }}
      />
      {secret && (
        <p class="secret" role="status">
          <code>{secret}</code> <span class="small">It is shown only now.</span>
        </p>
      )}
      <Trouble problem={problem} />
      <table class="stacking">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Last seen</th>
            <th scope="col">Do</th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((user) => (
            <UserRow key={user.name} user={user} onChanged={again} onSecret={setSecret} />
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Audit(): JSX.Element {
  const { value, problem } = useLoaded(auditLog, "audit");
  return (
    <Card title="Audit log" id="audit" lead="Every entry carries a digest of all before it.">
      <Trouble problem={problem} />
      {value && (
        <p class={`badge ${value.intact ? "negative" : "rejected"}`} role="status">
          {value.intact ? "The chain is unbroken" : "The chain is broken: entries were changed"}
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
              <tr key={entry.number}>
                <td class="num">{entry.number}</td>
                <td>{moment(entry.received)}</td>
                <td>{entry.by}</td>
                <td>{entry.action}</td>
                <td>
                  <code>{entry.subject}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Room(): JSX.Element {
  const room = useLoaded(disk, "disk");
  const rules = useLoaded(settings, "settings");
  const { value } = room;
  const kept = rules.value?.retention_days;
  return (
    <Card title="Disk" id="disk">
      <Trouble problem={room.problem ?? rules.problem} />
      {value && (
        <>
          <Progress
            share={value.used_bytes / (value.used_bytes + value.free_bytes)}
            label="Disk in use"
          />
          <p>
            {size(value.used_bytes)} in use,{" "}
            {size(value.free_bytes)} free.
          </p>
        </>
      )}
      <p class="quiet">
        {kept ? `Studies are deleted after ${count(kept, "day")}.` : "Studies are kept until deleted."}
      </p>
    </Card>
  );
}

/** The page of administration. */
export function Admin(): JSX.Element {
  useTitle("Admin");
  return (
    <>
      <h1>Admin</h1>
      <div class="stack">
        <Users />
        <Room />
        <Audit />
      </div>
    </>
  );
}
