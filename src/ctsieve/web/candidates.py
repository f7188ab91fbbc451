"""Bundles that want to take the place of the one in use: tried on locked sets, promoted, undone.

Decision: docs/decisions/0018-promotion.md
"""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ctsieve.bundles import store
from ctsieve.bundles.bundle import HELD_OUT, Bundle
from ctsieve.evaluation.noninferiority import Rule
from ctsieve.jobs.desk import Desk
from ctsieve.jobs.durable import place_folder, sync_files
from ctsieve.jobs.trials import BUNDLES, Trial, TrialState
from ctsieve.pipeline.held_out import held_out_scores
from ctsieve.types.errors import BundleError, InputRejected
from ctsieve.web.audit import Act, record
from ctsieve.web.database import Database
from ctsieve.web.errors import InConflict, NotThere
from ctsieve.web.identity import Identity
from ctsieve.web.releases import Releases
from ctsieve.web.studies import BUNDLE, Studies
from ctsieve.web.tables import Candidate, Chosen, Promotion

_PART: Final = ".part-candidate"


class Candidates:
    """Candidates and what became of them; the bundle in use is one for all workspaces."""

    def __init__(
        self, database: Database, desk: Desk, studies: Studies, releases: Releases, *, rule: Rule
    ) -> None:
        self._database = database
        self._desk = desk
        self._studies = studies
        self._releases = releases
        self._rule = rule
        self._changing = threading.Lock()

    def take(self, archive: Path, by: Identity, *, trained_on: str) -> Candidate:
        """Keep an uploaded bundle (a .ctsieve file) as a candidate; nothing of it is run here.

        Raises:
            InputRejected: it is no bundle, or damaged, or it has learnt from locked cases.
            InConflict: another bundle has this name and version.
        """
        bundle = _opened(archive)
        known = self._by_digest(bundle.identity.digest)
        if known is not None:
            return known
        self._refuse_learnt(bundle, trained_on)
        name = _place(bundle)
        if self._desk.storage.has(name):
            raise InConflict(
                f"there is another bundle {bundle.identity.name} {bundle.identity.version}",
                hint="export it with another version",
            )
        self._keep(bundle, name)
        row = Candidate(
            name=bundle.identity.name, version=bundle.identity.version,
            digest=bundle.identity.digest, user=by.name, trained_on=trained_on,
        )  # fmt: skip
        with self._database.writing() as session:
            session.add(row)
            session.flush()
            detail = f"{row.name} {row.version} sha256={row.digest} trained_on={trained_on}"
            self._record(session, "candidate-uploaded", row.id, by, detail)
        return row

    def rows(self) -> list[Candidate]:
        """All candidates, the newest first."""
        with self._database.reading() as session:
            return list(session.scalars(sa.select(Candidate).order_by(Candidate.created.desc())))

    def find(self, candidate_id: str) -> Candidate:
        """A candidate.

        Raises:
            NotThere: there is none of that id.
        """
        with self._database.reading() as session:
            row = session.get(Candidate, candidate_id)
        if row is None:
            raise NotThere("there is no such candidate")
        return row

    def state(self, row: Candidate) -> TrialState | None:
        """How a candidate's last trial stands; None: it was not tried."""
        return self._desk.trial(row.trial_id) if row.trial_id else None

    def try_(self, row: Candidate, by: Identity) -> Candidate:
        """Have a worker try a candidate against the bundle in use, on all locked sets.

        Raises:
            InConflict: there is no locked set, or the candidate is in use already.
        """
        trial = self._trial(row)
        if self._desk.trial(trial.id).state == "failed":
            self._desk.forget(trial.id)
        self._desk.submit_trial(trial)
        with self._database.writing() as session:
            kept = session.get_one(Candidate, row.id)
            kept.trial_id, kept.trial = trial.id, trial.model_dump(mode="json")
            self._record(session, "candidate-tried", row.id, by, trial.id)
        return kept

    def promote(self, row: Candidate, by: Identity) -> None:
        """Let a candidate judge from now on, if it was shown to be not worse.

        Raises:
            InConflict: it was not tried, or not against what is in use now on what is locked now;
                or it is not shown to be not worse: the reasons are in the sentence.
        """
        with self._changing:
            reason = self._against(row)
            if reason:
                with self._database.writing() as session:
                    self._record(session, "promotion-refused", row.id, by, reason)
                raise InConflict(f"it is not promoted: {reason}", hint="POST .../try tries it")
            value = f"{BUNDLES}/{row.name}/{row.version}"
            with self._database.writing() as session:
                self._choose(session, value, by, candidate=row.id)

    def roll_back(self, by: Identity) -> str | None:
        """Take the last promotion back; the bundle that judges now.

        Raises:
            InConflict: nothing was promoted.
        """
        last = sa.select(Promotion).where(Promotion.undone.is_(False))
        with self._changing, self._database.writing() as session:
            row = session.scalar(last.order_by(Promotion.id.desc()).limit(1))
            if row is None:
                raise InConflict("there is no promotion to take back")
            row.undone = True
            session.execute(sa.delete(Chosen).where(Chosen.key == BUNDLE))
            if row.previous is not None:
                session.add(Chosen(key=BUNDLE, value=row.previous))
            self._record(session, "promotion-undone", row.bundle, by, str(row.previous or ""))
            return row.previous

    def use(self, bundle: Bundle, by: Identity) -> None:
        """Let a bundle judge that has judged here before.

        Raises:
            InConflict: it has not.
        """
        with self._changing:
            for value in self.trusted():
                if self._studies.open_bundle(value).identity.digest == bundle.identity.digest:
                    with self._database.writing() as session:
                        self._choose(session, value, by, candidate="")
                    return
        raise InConflict(
            f"{bundle.identity.name} {bundle.identity.version} has never judged here",
            hint="upload it as a candidate; it is promoted once it is shown to be not worse",
        )

    def trusted(self) -> Sequence[str | None]:
        """What has judged here: the bundle of the settings, and whatever was promoted."""
        with self._database.reading() as session:
            promoted = session.scalars(sa.select(Promotion.bundle).distinct())
            return [self._studies.first_bundle, *promoted]

    def times_tried(self, row: Candidate) -> int:
        """How many candidates were tried on the locked sets that this one was tried on."""
        if row.trial is None:
            return 0
        asked = sorted(row.trial["locked_digests"])
        return sum(sorted(r.trial["locked_digests"]) == asked for r in self.rows() if r.trial)

    def _refuse_learnt(self, bundle: Bundle, trained_on: str) -> None:
        """Refuse what says itself that it has learnt from the cases that are to judge it."""
        learnt = set[str]()
        if HELD_OUT in bundle.manifest.members:
            learnt = {n for r in held_out_scores(bundle).rows for n in (r.case, r.patient)}
        seen = self._releases.locked_of(learnt)
        is_locked = trained_on in {release.digest for release in self._releases.latest_locked()}
        if seen or is_locked:
            raise InputRejected(
                f"it was trained on {f'{seen} locked cases' if seen else 'a locked set'}",
                hint="train on a release: it leaves out whatever judges candidates",
            )

    def _trial(self, row: Candidate) -> Trial:
        current = self._studies.chosen_bundle()
        used = self._studies.open_bundle(current)
        if used.identity.digest == row.digest:
            raise InConflict("this bundle judges already")
        locked = self._releases.latest_locked()
        if not locked:
            raise InConflict("there is no locked set", hint="an admin locks cases first")
        return Trial(
            candidate=f"{BUNDLES}/{row.name}/{row.version}",
            candidate_digest=row.digest,
            current=current,
            current_digest=used.identity.digest,
            locked=tuple(release.folder for release in locked),
            locked_digests=tuple(release.digest for release in locked),
            positive=used.recipe.labels[0],
            rule=self._rule,
        )

    def _against(self, row: Candidate) -> str:
        """Why a candidate may not be promoted; empty: it may."""
        if row.trial_id != self._trial(row).id:
            return "it was not tried against what judges now, on the cases that are locked now"
        state = self._desk.trial(row.trial_id)
        if state.verdict is None:
            return f"its trial is {state.state}"
        return "; ".join(state.verdict.reasons)

    def _choose(self, session: Session, value: str | None, by: Identity, *, candidate: str) -> None:
        current = session.get(Chosen, BUNDLE)
        previous = current.value if current else None
        value = value or store.DEFAULT
        session.add(
            Promotion(user=by.name, bundle=value, previous=previous, candidate_id=candidate)
        )
        session.merge(Chosen(key=BUNDLE, value=value))
        self._record(session, "bundle-chosen", value, by, f"candidate={candidate}")

    def _by_digest(self, digest: str) -> Candidate | None:
        with self._database.reading() as session:
            return session.scalar(sa.select(Candidate).where(Candidate.digest == digest))

    def _keep(self, bundle: Bundle, name: str) -> None:
        home = self._desk.home
        partial = home / BUNDLES / f"{_PART}-{bundle.identity.digest}"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(bundle.folder, partial)
        sync_files(partial)
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        place_folder(partial, home / name)
        self._desk.storage.keep(name)

    def _record(self, session: Session, action: str, subject: str, by: Identity, said: str) -> None:
        act = Act(
            action=action, user=by.name, workspace_id=by.workspace_id, subject=subject, detail=said
        )
        record(self._database, session, act)


def _opened(archive: Path) -> Bundle:
    try:
        return store.find(archive)
    except BundleError as error:  # elsewhere it says 404: here it is what was sent that is wrong
        raise InputRejected(str(error), hint=error.hint) from error


def _place(bundle: Bundle) -> str:
    """Where a bundle lies in the storage; its version becomes a folder's name, so it is checked."""
    version = bundle.identity.version
    if not version or not all(c.isalnum() or c in ".+-_" for c in version) or version[0] == ".":
        raise InputRejected(f"{version!r} is no version", hint="such as 1.2.0")
    return f"{BUNDLES}/{bundle.identity.name}/{version}"
