"""What the fake service remembers, in memory: studies that play through their stages, and users."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]

STAGES = ("reading", "gate", "preparing", "judging", "explaining", "writing")
STEP_SECONDS = 0.5


def now() -> str:
    """The time as the service writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def media_type(name: str) -> str:
    """The media type of an artefact, from its name."""
    known = {".html": "text/html", ".json": "application/json", ".png": "image/png"}
    return known.get(Path(name).suffix, "application/octet-stream")


CARD = """<h2>LA-DNN, MobileNetV2</h2><p>Slice model with lesion attention; the scan's answer is
the mean of its highest slices.</p><table><thead><tr><th>measure</th><th>value</th><th>n</th></tr>
</thead><tbody><tr><td>AUC, pictures</td><td>0.86 (0.80 to 0.91)</td><td>203</td></tr></tbody>
</table><p>Non-commercial research demonstration only.</p>"""


def two_bundles() -> list[Json]:
    """A bundle in two versions, the newer in use."""
    same = {"name": "la-dnn-mobilenet-v2", "card_html": CARD}
    return [
        {**same, "version": "1.1.0", "current": True},
        {**same, "version": "1.0.0", "current": False},
    ]


@dataclass
class Fake:
    """The whole state; one instance is one service."""

    samples: list[Path]
    pictures: list[Path] = field(default_factory=list)
    studies: dict[str, Json] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    uploads: dict[str, Json] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    contributions: list[Json] = field(default_factory=list)
    users: dict[str, Json] = field(default_factory=dict)
    audit: list[Json] = field(default_factory=list)
    bundles: list[Json] = field(default_factory=two_bundles)
    listeners: set[asyncio.Queue[Json]] = field(default_factory=set)
    made: int = 0
    step_seconds: float = STEP_SECONDS

    def __post_init__(self) -> None:
        for role in ("admin", "clinician", "reviewer", "viewer"):
            self.users[role] = {
                "name": role, "role": role, "locked": False, "created": now(), "last_seen": None,
            }  # fmt: skip
        for sample in self.samples:
            self.finish(self.receive(sample))
        for sample in self.pictures:
            self.finish(self.receive(sample))

    def note(self, by: str, action: str, subject: str) -> None:
        """Append to the audit log, chained by digests."""
        before = self.audit[-1]["digest"] if self.audit else ""
        digest = hashlib.sha256(f"{before}{by}{action}{subject}".encode()).hexdigest()
        entry = {"number": len(self.audit) + 1, "received": now(), "by": by, "action": action}
        self.audit.append({**entry, "subject": subject, "digest": digest})

    def receive(self, sample: Path, *, batch: str | None = None) -> str:
        """Take in a study whose answer will be that of `sample`."""
        answer = json.loads((sample / "screening.json").read_text())
        self.made += 1
        seed = f"{sample}{self.made}"
        study = hashlib.sha256(seed.encode()).hexdigest()[:12]
        self.folders[study] = sample
        self.studies[study] = {
            "id": study, "received": now(), "kind": answer["image"]["kind"], "status": "queued",
            "stage": None, "progress": 0.0, "verdict": None, "probability": None,
            "threshold": None, "abstained": None, "gate": None, "bundle": None,
            "num_slices": None, "reason": None, "batch": batch,
        }  # fmt: skip
        self.note("clinician", "study.received", study)
        return study

    def answer(self, study: str) -> Json:
        """The screening of a study."""
        read: Json = json.loads((self.folders[study] / "screening.json").read_text())
        return read

    def finish(self, study: str) -> None:
        """Give a study its answer."""
        answer = self.answer(study)
        said, label = answer["prediction"], answer["recipe"]["labels"][0]
        rejected = answer["gate"]["verdict"] == "rejected"
        self.studies[study] |= {
            "status": "rejected" if rejected else "done", "stage": None, "progress": 1.0,
            "verdict": said["call"], "probability": said["probability"].get(label),
            "threshold": said["threshold"][label], "abstained": said["abstained"],
            "gate": {key: answer["gate"][key] for key in ("verdict", "findings")},
            "bundle": {key: answer["bundle"][key] for key in ("name", "version")},
            "num_slices": answer["image"]["shape"][0],
        }  # fmt: skip
        self.note("worker", "study.screened", study)

    async def play(self, study: str) -> None:
        """Let a study go through its stages, telling everybody."""
        for number, stage in enumerate(STAGES):
            await asyncio.sleep(self.step_seconds)
            state = {"status": "screening", "stage": stage, "progress": number / len(STAGES)}
            self.studies[study] |= state
            self.tell(study)
        self.finish(study)
        self.tell(study)

    def tell(self, study: str) -> None:
        """Send a study's state to every open page."""
        for queue in self.listeners:
            queue.put_nowait(self.studies[study])

    def artefacts(self, study: str) -> list[Json]:
        """The files of a study."""
        return [
            {
                "name": path.name,
                "kind": path.name.split(".")[0],
                "media_type": media_type(path.name),
                "size": path.stat().st_size,
            }
            for path in sorted(self.folders[study].iterdir())
            if path.is_file()
        ]
