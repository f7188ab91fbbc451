/** The one place that talks to the service: same host, session cookie, CSRF token, problem+json. */

const ROOT = "/api/v1";

/** What went wrong, in the service's own words. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly detail: string,
    readonly hint: string,
  ) {
    super(title);
  }
}

let csrf = "";
let onSignedOut: () => void = () => undefined;

/** Remember the token that every write of this session must carry. */
export function rememberToken(token: string): void {
  csrf = token;
}

/** Say what happens when the service no longer knows this session. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

/** The address of something under the API; each part is escaped. */
export function address(...parts: (string | number)[]): string {
  return [ROOT, ...parts.map((part) => encodeURIComponent(String(part)))].join("/");
}

async function problemOf(response: Response): Promise<Problem> {
  const told: unknown = await response.json().catch(() => null);
  const said = (typeof told === "object" && told !== null ? told : {}) as Record<string, unknown>;
  const text = (key: string): string => (typeof said[key] === "string" ? said[key] : "");
  const title = text("title") || `The service answered ${String(response.status)}`;
  return new Problem(response.status, title, text("detail"), text("hint"));
}

/** The token header of a write. */
export function writeHeaders(): Record<string, string> {
  return { "X-CSRF-Token": csrf };
}

async function send(method: string, url: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") Object.assign(headers, writeHeaders());
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) {
    const isFile = body instanceof Blob;
    headers["Content-Type"] = isFile ? "application/octet-stream" : "application/json";
    init.body = isFile ? body : JSON.stringify(body);
  }
  const response = await fetch(url, init).catch(() => {
    throw new Problem(0, "The service cannot be reached", "", "Is ctsieve serve still running?");
  });
  if (response.status === 401 && !url.endsWith("/session")) onSignedOut();
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<Answer>(method: string, url: string, body?: unknown): Promise<Answer> {
  const response = await send(method, url, body);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

export const get = <Answer>(url: string): Promise<Answer> => json("GET", url);
export const post = <Answer>(url: string, body: unknown = {}): Promise<Answer> =>
  json("POST", url, body);
/** Send a file as it is. */
export const upload = <Answer>(url: string, file: Blob): Promise<Answer> => json("POST", url, file);
export const patch = <Answer>(url: string, body: unknown): Promise<Answer> =>
  json("PATCH", url, body);
export const remove = (url: string): Promise<void> => json("DELETE", url);

/** The bytes of an artefact. */
export async function bytes(url: string): Promise<ArrayBuffer> {
  return (await send("GET", url)).arrayBuffer();
}

/** Add a query to an address, leaving out what is empty. */
export function query(url: string, values: Record<string, string | number | null>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${url}?${text}` : url;
}
