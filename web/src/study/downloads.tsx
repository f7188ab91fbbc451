/** Everything there is of a study, to take away. */

import type { JSX } from "preact";

import { address } from "../api/client";
import type { Artefact, Study } from "../api/types";
import { Card } from "../ui/parts";
import { size } from "../ui/words";

const GROUPS: readonly (readonly [string, (name: string) => boolean])[] = [
  ["Report", (name) => name === "report.html" || name === "screening.json"],
  ["DICOM", (name) => name.endsWith(".dcm")],
  ["NIfTI", (name) => name.endsWith(".nii.gz")],
  ["Pictures", (name) => name.endsWith(".png")],
];

const known = (name: string): boolean => GROUPS.some(([, holds]) => holds(name));

function List(props: { study: Study; title: string; files: Artefact[] }): JSX.Element | null {
  if (props.files.length === 0) return null;
  return (
    <>
      <h3>{props.title}</h3>
      <ul class="downloads">
        {props.files.map((file) => (
          <li key={file.name}>
            <a
              href={address("studies", props.study.id, "artefacts", file.name)}
              download={`${props.study.id}-${file.name}`}
            >
              {file.name}
            </a>
            <span class="quiet small">{size(file.size)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The downloads of a study. */
export function Downloads(props: { study: Study; artefacts: Artefact[] }): JSX.Element | null {
  const { study, artefacts } = props;
  if (artefacts.length === 0) return null;
  return (
    <Card title="Take away" id="downloads">
      {artefacts.some(({ name }) => name === "report.html") && (
        <p>
          <a
            class="button"
            href={address("studies", study.id, "artefacts", "report.html")}
            target="_blank"
            rel="noopener"
          >
            Open the report
          </a>
        </p>
      )}
      {GROUPS.map(([title, holds]) => (
        <List key={title} study={study} title={title} files={artefacts.filter((one) => holds(one.name))} />
      ))}
      <List study={study} title="Others" files={artefacts.filter((one) => !known(one.name))} />
    </Card>
  );
}
