/** Upload: drop, choose, watch, resume. */

import type { JSX, TargetedEvent } from "preact";
import { useRef, useState } from "preact/hooks";

import { address, get } from "../api/client";
import { type Dropped, fromDrop, fromInput, onlyPictures } from "../api/dropped";
import { type Entry, enqueue, resume, stop, useUploads } from "../api/queue";
import type { Settings } from "../api/types";
import { useLoaded, useTitle } from "../ui/hooks";
import { Progress, Trouble } from "../ui/parts";
import { count, size } from "../ui/words";

function Asked(props: { dropped: Dropped; onAnswer: (kind: "study" | "pictures") => void }) {
  const number = props.dropped.chosen.length;
  return (
    <div class="card asked" role="group" aria-label="What are these pictures?">
      <p>
        <strong>{count(number, "picture")}.</strong> A screenshot or a figure each, or the slices of
        one scan?
      </p>
      <p class="buttons">
        <button type="button" class="primary" onClick={() => props.onAnswer("pictures")}>
          Judge each by itself
        </button>
        <button type="button" onClick={() => props.onAnswer("study")}>
          They are one scan
        </button>
      </p>
    </div>
  );
}

function Picker(props: { onChosen: (dropped: Dropped[]) => void }): JSX.Element {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const chosen = (event: TargetedEvent<HTMLInputElement>): void => {
    if (event.currentTarget.files) props.onChosen(fromInput(event.currentTarget.files));
    event.currentTarget.value = "";
  };
  return (
    <p class="buttons">
      <button type="button" class="primary" onClick={() => files.current?.click()}>
        Choose files
      </button>
      <button type="button" onClick={() => folder.current?.click()}>
        Choose a folder
      </button>
      <input ref={files} hidden type="file" multiple aria-label="Files" onChange={chosen} />
      <input
        ref={folder}
        hidden
        type="file"
        multiple
        aria-label="Folder"
        onChange={chosen}
        {...{ webkitdirectory: true }}
      />
    </p>
  );
}

function DropZone(props: { onChosen: (dropped: Dropped[]) => void }): JSX.Element {
  const [over, setOver] = useState(false);
  return (
    <div
      class={`drop ${over ? "is-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void fromDrop(event.dataTransfer).then(props.onChosen);
      }}
    >
      <p class="drop-title">Drop a chest CT here</p>
      <p class="quiet">
        DICOM files or folders, zip, NIfTI, or pictures (PNG, JPEG, TIFF). Several folders are
        several studies.
      </p>
      <Picker onChosen={props.onChosen} />
    </div>
  );
}

function Outcome({ entry }: { entry: Entry }): JSX.Element | null {
  const { finished } = entry;
  if (!finished) return null;
  if (finished.batch) return <a href={`/batches/${finished.batch}`}>See the batch</a>;
  const [only, ...others] = finished.studies;
  if (only && others.length === 0) return <a href={`/studies/${only.id}`}>Open the study</a>;
  return <a href="/">{count(finished.studies.length, "study", "studies")} in the worklist</a>;
}

const STATES = {
  waiting: "waiting for its turn",
  sending: "uploading",
  done: "",
  stopped: "stopped",
  failed: "not taken",
};

function Row({ entry }: { entry: Entry }): JSX.Element {
  const under = entry.state === "sending" || entry.state === "waiting";
  // What the service refused as it is will be refused again.
  const status = entry.problem?.status ?? 0;
  const again =
    entry.state === "stopped" || (entry.state === "failed" && (status < 400 || status >= 500));
  const share = entry.total > 0 ? entry.sent / entry.total : 0;
  return (
    <li class="card upload-row">
      <div class="upload-head">
        <p>
          <strong>{entry.title}</strong>
          <small class="quiet">
            {" "}
            {count(entry.files, "file")},{" "}
            {entry.state === "done"
              ? size(entry.total)
              : `${size(entry.sent)} of ${size(entry.total)}, ${STATES[entry.state]}`}
          </small>
        </p>
        <Outcome entry={entry} />
        {under && (
          <button type="button" onClick={() => stop(entry)}>
            Stop
          </button>
        )}
        {again && (
          <button type="button" onClick={() => resume(entry)}>
            Go on where it stopped
          </button>
        )}
      </div>
      {entry.state !== "done" && <Progress share={share} label={`Upload of ${entry.title}`} />}
      <Trouble problem={entry.problem} />
    </li>
  );
}

/** The upload page. */
export function UploadPage(): JSX.Element {
  useTitle("Upload");
  const uploads = useUploads();
  const settings = useLoaded(() => get<Settings>(address("settings")), "settings");
  const [asking, setAsking] = useState<Dropped[]>([]);
  const take = (dropped: Dropped[]): void => {
    setAsking((before) => [...before, ...dropped.filter(onlyPictures)]);
    for (const one of dropped.filter((one) => !onlyPictures(one))) {
      enqueue(one.title, one.chosen, "study");
    }
  };
  const first = asking[0];
  return (
    <>
      <h1>Upload</h1>
      <p class="lead">
        {settings.value?.deidentify !== false &&
          "Names, dates and identifiers of the patient are removed from DICOM files when they arrive. " +
            "Pictures are kept as they come: look at them first. "}
        File names stay in this browser tab.
        {settings.value && ` At most ${size(settings.value.max_upload_mb * 2 ** 20)} at once.`}
      </p>
      <DropZone onChosen={take} />
      {first && (
        <Asked
          dropped={first}
          onAnswer={(kind) => {
            enqueue(first.title, first.chosen, kind);
            setAsking(asking.slice(1));
          }}
        />
      )}
      <section aria-label="Uploads of this visit" aria-live="polite">
        <ul class="plain-list">
          {uploads.map((entry) => (
            <Row key={entry.number} entry={entry} />
          ))}
        </ul>
      </section>
    </>
  );
}
