/** One study: the answer, and everything that shows why. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import { address, get, remove } from "../api/client";
import { follow } from "../api/events";
import { remembered } from "../api/queue";
import type { StudyDetail } from "../api/types";
import { Unaided } from "../pages/unaided";
import { go } from "../route";
import { useMay } from "../session";
import { type Loaded, useLoaded, useTitle } from "../ui/hooks";
import { AskedTwice, Card, Progress, Trouble, Waiting } from "../ui/parts";
import { shareOf, short, stageOf } from "../ui/words";
import { Curve } from "./curve";
import { Downloads } from "./downloads";
import { Lesions, TopSlices } from "./findings";
import { Predictive } from "./predictive";
import { Verdict } from "./verdict";
import { Opacity, Viewer } from "./viewer";
import { WhatIf } from "./whatif";

const OVER = new Set(["done", "rejected", "failed"]);

/** A study that is loaded anew when its answer has come. */
export function useStudy(id: string): Loaded<StudyDetail> {
  const loaded = useLoaded(() => get<StudyDetail>(address("studies", id)), id);
  const { again, set } = loaded;
  const over = loaded.value !== null && OVER.has(loaded.value.status);
  useEffect(() => {
    if (over) return;
    return follow(
      (study) => {
        if (study.id !== id) return;
        set((before) => before && { ...before, ...study });
        if (OVER.has(study.status)) again();
      },
      () => undefined,
    );
  }, [id, over]);
  return loaded;
}

function UnderWay({ study }: { study: StudyDetail }): JSX.Element {
  return (
    <Card title="Under way" id="under-way">
      <Progress share={shareOf(study)} label="Screening" />
      <p role="status" class="quiet">
        {stageOf(study)}. This page shows the answer as soon as it is there.
      </p>
    </Card>
  );
}

function Picture({ study }: { study: StudyDetail }): JSX.Element | null {
  const [opacity, setOpacity] = useState(1);
  const file = (name: string): string => address("studies", study.id, "artefacts", name);
  const has = (wanted: string): boolean => study.artefacts.some(({ name }) => name === wanted);
  if (!has("picture.png")) return null;
  return (
    <section class="card viewer" aria-label="Picture">
      <div class="whole-picture">
        <img src={file("picture.png")} alt="The picture as it was judged" />
        {has("heat.png") && (
          <img src={file("heat.png")} alt="" style={{ opacity }} data-layer="heat" />
        )}
      </div>
      {has("heat.png") && (
        <Opacity layer="heat" value={opacity} most={1} onChange={setOpacity} />
      )}
      <p class="quiet small">A picture has no sides, no millimetres and no Hounsfield units.</p>
    </section>
  );
}

function Evidence({ study }: { study: StudyDetail }): JSX.Element {
  const { screening } = study;
  const middle = Math.floor((study.num_slices ?? 1) / 2);
  const [slice, setSlice] = useState(screening?.top_slices[0] ?? middle);
  const [without, setWithout] = useState<number[]>([]);
  const volume = study.artefacts.some(({ name }) => name === "image.nii.gz");
  return (
    <div class="study-columns">
      <div class="column">
        <Verdict study={study} />
        {screening && study.status === "done" && <Predictive study={study} screening={screening} />}
        {screening && <Lesions screening={screening} />}
        <Downloads study={study} artefacts={study.artefacts} />
      </div>
      <div class="column">
        {volume && screening ? (
          <Viewer study={study} slice={slice} onSlice={setSlice} />
        ) : (
          <Picture study={study} />
        )}
        {screening && (
          <>
            <Curve screening={screening} slice={slice} without={without} onSlice={setSlice} />
            <TopSlices study={study} screening={screening} slice={slice} onSlice={setSlice} />
            <WhatIf
              study={study}
              screening={screening}
              slice={slice}
              without={without}
              onWithout={setWithout}
            />
          </>
        )}
      </div>
    </div>
  );
}

/** A study whose case the reader has still to read: its images, and the way to the reading. */
function Withheld({ study }: { study: StudyDetail }): JSX.Element {
  return (
    <div class="study-columns">
      <div class="column">
        <Verdict study={study} />
        <Card title="You have a case to read" id="withheld">
          <p>
            This study was contributed as a case, and your reading counts as an opinion of its own
            only if you give it first. The answer is shown as soon as you have.
          </p>
          <p class="buttons">
            <a class="button primary" href="/review">
              Go to Review
            </a>
          </p>
        </Card>
      </div>
      <div class="column">
        <Unaided study={study.id} />
      </div>
    </div>
  );
}

function Content({ study }: { study: StudyDetail }): JSX.Element {
  if (!OVER.has(study.status)) return <UnderWay study={study} />;
  if (study.withheld && study.status === "done") return <Withheld study={study} />;
  return <Evidence key={study.status} study={study} />;
}

/** The study page. */
export function StudyPage({ id }: { id: string }): JSX.Element {
  const name = remembered(id);
  useTitle(`Study ${name ?? short(id)}`);
  const { value: study, problem } = useStudy(id);
  const mayWrite = useMay("clinician");
  return (
    <>
      <div class="title-row">
        <h1>
          {name ?? "Study"} <small class="quiet">{short(id)}</small>
        </h1>
        {study?.batch && <a href={`/batches/${study.batch}`}>Its batch</a>}
        {mayWrite && study?.status === "done" && (
          <a class="button" href={`/contribute/${id}`}>
            Contribute a label
          </a>
        )}
        {mayWrite && (
          <AskedTwice
            ask="Delete"
            question="Delete the study?"
            warning="Images and results go for good."
            action="Delete the study"
            run={async () => {
              await remove(address("studies", id));
              go("/");
            }}
          />
        )}
      </div>
      <Trouble problem={problem} />
      {!study && !problem && <Waiting what="the study" />}
      {study && <Content study={study} />}
    </>
  );
}
