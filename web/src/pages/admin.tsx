/** Administration: users, keys, disk, and the audit log. */

import type { JSX } from "preact";
import { useContext, useState } from "preact/hooks";

import { address, get, patch, post, remove } from "../api/client";
import type { Disk, NewUser as Made, Role, Settings, User } from "../api/types";
import { SessionContext } from "../session";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Card, Field, Progress, Trouble } from "../ui/parts";
import { count, moment, size } from "../ui/words";
import { Audit } from "./audit";

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

/** Something that is shown once. */
interface Secret {
  what: string;
  text: string;
}

function Once({ secret }: { secret: Secret | null }): JSX.Element | null {
  if (!secret) return null;
  return (
    <p class="secret" role="status">
      {secret.what}: <code>{secret.text}</code>{" "}
      <span class="small">Hand it over now: it is not shown again.</span>
    </p>
  );
}

function UserRow(props: {
  user: User;
  onChanged: () => void;
  onSecret: (secret: Secret) => void;
}): JSX.Element {
  const { user, onChanged, onSecret } = props;
  const own = useContext(SessionContext)?.user.name === user.name;
  const change = useAction(async (wanted: Partial<User>) => {
    await patch(address("users", user.name), wanted);
    onChanged();
  });
  const key = useAction(async () => {
    const made = await post<{ key: string }>(address("users", user.name, "keys"));
    onSecret({ what: `API key of ${user.name}`, text: made.key });
  });
  const reset = useAction(async () => {
    const made = await post<Made>(address("users", user.name, "password"));
    onSecret({ what: `One-time password of ${user.name}`, text: made.password });
  });
  const end = useAction(async () => {
    await remove(address("users", user.name, "keys"));
  });
  return (
    <tr>
      <th scope="row">
        {user.name} {user.locked && <span class="badge rejected">locked</span>}
      </th>
      <td data-head="Role">
        {own ? (
          user.role
        ) : (
          <RoleSelect
            label={`Role of ${user.name}`}
            value={user.role}
            onChange={(role) => change.run({ role })}
          />
        )}
        <Trouble problem={change.problem ?? key.problem ?? reset.problem ?? end.problem} />
      </td>
      <td data-head="Workspace">{user.workspace}</td>
      <td data-head="Since">{moment(user.created)}</td>
      <td class="cell-buttons">
        {!own && (
          <button
            type="button"
            disabled={change.busy}
            aria-label={`${user.locked ? "Unlock" : "Lock"} ${user.name}`}
            onClick={() => change.run({ locked: !user.locked })}
          >
            {user.locked ? "Unlock" : "Lock"}
          </button>
        )}
        {!own && (
          <button
            type="button"
            disabled={reset.busy || user.locked}
            aria-label={`New password of ${user.name}`}
            onClick={reset.run}
          >
            New password
          </button>
        )}
        <button
          type="button"
          disabled={key.busy || user.locked}
          aria-label={`New API key of ${user.name}`}
          onClick={key.run}
        >
          New API key
        </button>
        <button
          type="button"
          disabled={end.busy || user.locked}
          aria-label={`End API keys of ${user.name}`}
          onClick={end.run}
        >
          End API keys
        </button>
      </td>
    </tr>
  );
}

function NewUser(props: { workspaces: string[]; onMade: (secret: Secret) => void }): JSX.Element {
  const own = useContext(SessionContext)?.workspace.name ?? "";
  const [name, setName] = useState("");
  const [workspace, setWorkspace] = useState(own);
  const [role, setRole] = useState<Role>("clinician");
  const add = useAction(async () => {
    const made = await post<Made>(address("users"), { name, role, workspace });
    setName("");
    props.onMade({ what: `One-time password of ${made.name}`, text: made.password });
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
      <Field label="Workspace">
        <input
          required
          list="workspaces"
          autoComplete="off"
          value={workspace}
          onInput={(event) => setWorkspace(event.currentTarget.value)}
        />
        <datalist id="workspaces">
          {props.workspaces.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </Field>
      <button class="primary" disabled={add.busy}>
        Add
      </button>
      <Trouble problem={add.problem} />
    </form>
  );
}

function Users(): JSX.Element {
  const { value, problem, again } = useLoaded(() => get<User[]>(address("users")), "users");
  const [secret, setSecret] = useState<Secret | null>(null);
  const workspaces = [...new Set((value ?? []).map((user) => user.workspace))];
  return (
    <Card title="Users" id="users" lead="People of a workspace see its studies, and nobody else's. A new name of a workspace makes one. A locked user is signed out at once, and the keys end.">
      <NewUser
        workspaces={workspaces}
        onMade={(made) => {
          setSecret(made);
          again();
        }}
      />
      <Once secret={secret} />
      <Trouble problem={problem} />
      <table class="stacking">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Workspace</th>
            <th scope="col">Since</th>
            <th scope="col">
              <span class="unseen">What to do</span>
            </th>
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

function Room(): JSX.Element {
  const room = useLoaded(() => get<Disk>(address("disk")), "disk");
  const rules = useLoaded(() => get<Settings>(address("settings")), "settings");
  const { value } = room;
  const days = rules.value?.keep_days ?? 0;
  return (
    <Card title="Disk" id="disk">
      <Trouble problem={room.problem ?? rules.problem} />
      {value && (
        <>
          <Progress share={1 - value.free / value.total} label="Disk in use" />
          <p>
            {size(value.free)} of {size(value.total)} free. Uploads are refused while it is less
            than {size(value.refused_below)}.
          </p>
        </>
      )}
      {rules.value && (
        <p class="quiet">
          {days > 0
            ? `Studies are deleted ${count(days, "day")} after they arrived.`
            : "Studies are kept until somebody deletes them."}
        </p>
      )}
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
