/** Live news of studies by server-sent events; the browser reconnects by itself. */

import { address } from "./client";
import type { Study } from "./types";

export type Link = "connecting" | "live" | "lost";

/** Follow the studies of this workspace; returns how to stop. */
export function follow(onStudy: (study: Study) => void, onLink: (link: Link) => void): () => void {
  const source = new EventSource(address("events"));
  source.addEventListener("open", () => onLink("live"));
  source.addEventListener("error", () => onLink("lost"));
  source.addEventListener("study", (event: MessageEvent<string>) => {
    onStudy(JSON.parse(event.data) as Study);
  });
  onLink("connecting");
  return () => source.close();
}
