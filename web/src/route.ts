/** Which page is shown: the path of the address, nothing else. */

import { useEffect, useState } from "preact/hooks";

const MOVED = "ctsieve:moved";

/** Go to another page of the program. */
export function go(path: string): void {
  history.pushState(null, "", path);
  dispatchEvent(new Event(MOVED));
  scrollTo(0, 0);
}

/** The path shown now. */
export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const moved = (): void => setPath(location.pathname);
    addEventListener("popstate", moved);
    addEventListener(MOVED, moved);
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener(MOVED, moved);
    };
  }, []);
  return path;
}

/** Follow links inside the program without loading the page anew. */
export function catchLinks(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download"))
      return;
    const inside = link.origin === location.origin && !link.pathname.startsWith("/api/");
    if (!inside || (link.pathname === location.pathname && link.hash)) return;
    event.preventDefault();
    go(link.pathname);
  });
}
