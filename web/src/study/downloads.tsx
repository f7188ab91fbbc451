/** Everything there is of a study, to take away. */

import type { JSX } from "preact";

import { address } from "../api/client";
import type { Artefact, Study } from "../api/types";
import { Card } from "../ui/parts";
import { short, size } from "../ui/words";

const WORDS: Record<string, string> = {
  "report.html": "Report, one page that needs nothing else",
  "screening.json": "Every number, as JSON",
  "report.dcm": "Structured report",
  "seg.dcm": "Segmentation",
  "heat.dcm": "Heat as a parametric map",
  "key-objects.dcm": "Selection of key images",
  "image.nii.gz": "The scan, Hounsfield units",
  "heat.nii.gz": "Heat",
  "lungs.nii.gz": "Lungs",
  "lesions.nii.gz": "Lesions",
  "picture.png": "The picture as it was judged",
  "heat.png": "Heat, to lay over the picture",
  "summary.png": "Summary",
  "thumbnail.png": "Thumbnail",
};

const SLICE = /^slice-(\d+)\.png$/;
const PAGE = /^pages\/(?:slice-0*(\d+)|(\w+))\.dcm$/;

/** A file in words; its name where there are none for it. */
function described(name: string): string {
  const slice = SLICE.exec(name)?.[1];
  if (slice) return `Slice ${String(Number(slice) + 1)} with heat`;
  const [, number, word] = PAGE.exec(name) ?? [];
  if (number || word) return `Picture for viewers: ${number ? `slice ${number}` : word}`;
  return WORDS[name] ?? name;
}

const GROUPS: readonly (readonly [string, (file: Artefact) => boolean])[] = [
  ["DICOM objects for the archive", ({ kind }) => kind === "dicom"],
  ["Volumes, NIfTI", ({ kind }) => kind === "volume" || kind === "overlay"],
  ["Pictures", ({ kind }) => kind === "picture"],
];

const isReport = ({ kind }: Artefact): boolean => kind === "report" || kind === "data";

function List({ study, files }: { study: Study; files: readonly Artefact[] }): JSX.Element {
  return (
    <ul class="downloads">
      {files.map((file) => (
        <li key={file.name}>
          <a
            href={address("studies", study.id, "artefacts", file.name)}
            download={`${short(study.id)}-${file.name.replaceAll("/", "-")}`}
          >
            {described(file.name)}
          </a>
          <span class="quiet small">
            {file.name.split(".").slice(1).join(".")}, {size(file.size)}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The downloads of a study. */
export function Downloads(props: { study: Study; artefacts: Artefact[] }): JSX.Element | null {
  const { study, artefacts } = props;
  if (artefacts.length === 0) return null;
  return (
    <Card title="Take away" id="downloads">
      {artefacts.some(({ name }) => name === "report.html") && (
        <p class="buttons">
          <a
            class="button primary"
            href={address("studies", study.id, "artefacts", "report.html")}
            target="_blank"
            rel="noopener"
          >
            Open the report
          </a>
        </p>
      )}
      <List study={study} files={artefacts.filter(isReport)} />
      {GROUPS.map(([title, holds]) => {
        const files = artefacts.filter(holds);
        return (
          files.length > 0 && (
            <details key={title}>
              <summary>
                {title} ({files.length})
              </summary>
              <List study={study} files={files} />
            </details>
          )
        );
      })}
    </Card>
  );
}
