/** Models: cards, versions, and going back to an older one. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { address, get, post } from "../api/client";
import type { Bundle } from "../api/types";
import { useMay } from "../session";
import { useAction, useLoaded, useTitle } from "../ui/hooks";
import { Trouble, Waiting } from "../ui/parts";
import { Candidates } from "./candidates";

/** What a card may contain; an imported bundle is somebody else's text. */
const ALLOWED = new Set(
  "P H1 H2 H3 H4 UL OL LI TABLE THEAD TBODY TR TH TD STRONG EM CODE PRE BR BLOCKQUOTE HR".split(" "),
);

/** Copy what is allowed, without attributes; of everything else only the text stays. */
function copyAllowed(from: Node, to: Node): void {
  for (const node of from.childNodes) {
    if (node instanceof Text) to.appendChild(document.createTextNode(node.data));
    if (!(node instanceof Element) || node.matches("script, style, template")) continue;
    const kept = ALLOWED.has(node.tagName) ? document.createElement(node.tagName) : null;
    copyAllowed(node, kept ?? to);
    if (kept) to.appendChild(kept);
  }
}

function Card({ html }: { html: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    box.current?.replaceChildren();
    if (box.current) copyAllowed(parsed.body, box.current);
  }, [html]);
  return (
    <div ref={box} class="model-card" tabIndex={0} role="region" aria-label="Text of the card" />
  );
}

function One(props: { bundle: Bundle; onChanged: () => void }): JSX.Element {
  const { bundle, onChanged } = props;
  const mayChange = useMay("admin");
  const use = useAction(async () => {
    await post(address("bundles", bundle.name, bundle.version, "use"));
    onChanged();
  });
  return (
    <section class="card" aria-label={`${bundle.name} ${bundle.version}`}>
      <div class="title-row">
        <h2>
          {bundle.name} <small class="quiet">{bundle.version}</small>
        </h2>
        {bundle.current && <span class="badge negative">in use</span>}
        {!bundle.current && mayChange && (
          <button type="button" disabled={use.busy} onClick={use.run}>
            Use this version
          </button>
        )}
      </div>
      <Trouble problem={use.problem} />
      <details open={bundle.current}>
        <summary>Model card</summary>
        <Card html={bundle.card_html} />
      </details>
    </section>
  );
}

/** The page of models. */
export function Models(): JSX.Element {
  useTitle("Models");
  const { value, problem, again } = useLoaded(
    () => get<Bundle[]>(address("bundles")),
    "bundles",
  );
  const mayChange = useMay("admin");
  const back = useAction(async () => {
    await post(address("bundles", "rollback"));
    again();
  });
  return (
    <>
      <div class="title-row">
        <h1>Models</h1>
        {mayChange && (
          <button type="button" disabled={back.busy} onClick={back.run}>
            Take the last change back
          </button>
        )}
      </div>
      <p class="lead">
        Studies keep the answer of the bundle that judged them. A change counts for studies that
        arrive later, and stands in the audit log.
      </p>
      <Trouble problem={problem ?? back.problem} />
      {!value && !problem && <Waiting what="the models" />}
      <div class="stack">
        {(value ?? []).map((bundle) => (
          <One key={`${bundle.name} ${bundle.version}`} bundle={bundle} onChanged={again} />
        ))}
        <Candidates onPromoted={again} />
      </div>
    </>
  );
}
