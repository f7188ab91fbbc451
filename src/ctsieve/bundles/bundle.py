"""A bundle on disk: written whole or not at all, and every member checked before use.

    manifest.json        name, version, SHA-256 and size of every other member
    model.onnx           the graph; its weights lie in weights.safetensors (ONNX external data)
    scan.onnx            of networks of scans: the second graph, which reads a sequence of slices
    model.int8.onnx      optional: the same network, quantised
    weights.safetensors  the trained weights under their state-dict names
    recipe.json          everything between image and answer that is not the network
    metadata.json        MONAI Bundle keys
    MODEL_CARD.md        data, licences, figures, limits
    held_out.csv.gz      optional: scores of its tune cases by networks that never saw the patient
    golden/              tiny inputs and the outputs they must give

Decisions: docs/decisions/0004-bundle-contains-recipe.md, 0009-graphs-of-a-bundle.md
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ctsieve.types.errors import BundleError
from ctsieve.types.members import Member, digest_of
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import BundleIdentity

MANIFEST = "manifest.json"
REQUIRED = (
    "model.onnx",
    "weights.safetensors",
    "recipe.json",
    "metadata.json",
    "MODEL_CARD.md",
)
SCAN = "scan.onnx"
"""The graph that reads the features of a scan's slices, where model.onnx gives only those."""
HELD_OUT = "held_out.csv.gz"
"""The score file of tune cases, each scored by a network that never saw its patient."""
SUFFIXES = frozenset({".onnx", ".safetensors", ".json", ".md", ".npz", ".txt", ".png", ".gz"})
"""Kinds of member a bundle may hold: nothing that runs when it is opened."""

MAX_MEMBER_BYTES = 2 * 1024**3
SPOILT = "it was damaged or changed: import it again from where you got it"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Manifest(BaseModel):
    """What a bundle is called and holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["ctsieve-bundle"] = "ctsieve-bundle"
    format_version: Literal["1"] = "1"
    name: str
    version: str
    preferred: str = "model.onnx"
    """The graph that answers: model.onnx, or model.int8.onnx where that was found as good."""
    members: dict[str, Member]

    @property
    def digest(self) -> str:
        """SHA-256 over names and digests of all members: the bundle's identity."""
        return digest_of(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An opened bundle whose members were all checked."""

    folder: Path
    manifest: Manifest
    recipe: Recipe

    @property
    def identity(self) -> BundleIdentity:
        """Name, version and digest, as results carry them."""
        return BundleIdentity(
            name=self.manifest.name, version=self.manifest.version, digest=self.manifest.digest
        )

    @property
    def model(self) -> Path:
        """The graph that answers."""
        return self.folder / self.manifest.preferred

    @property
    def scan(self) -> Path | None:
        """The graph that reads what `model` keeps of every slice, where there is one."""
        return self.folder / SCAN if SCAN in self.manifest.members else None

    def text(self, member: str) -> str:
        """The text of a member."""
        return (self.folder / member).read_text(encoding="utf-8")


def open_bundle(folder: Path) -> Bundle:
    """Check every member of the bundle in `folder` and read its recipe.

    Raises:
        BundleError: no bundle, a member missing, changed or unlisted, or a bad recipe.
    """
    manifest = _read_manifest(folder)
    _check_members(folder, manifest)
    try:
        recipe = Recipe.model_validate_json((folder / "recipe.json").read_bytes())
    except ValidationError as error:
        raise BundleError(
            f"recipe.json of bundle {manifest.name!r}: {_first(error)}",
            hint="it was made by another version of ctsieve: update, or export the bundle again",
        ) from error
    if (recipe.kind == "scan") != (SCAN in manifest.members):
        raise BundleError(
            f"bundle {manifest.name!r} of kind {recipe.kind!r}: {SCAN} belongs to scans, and to"
            " nothing else",
            hint=SPOILT,
        )
    return Bundle(folder=folder, manifest=manifest, recipe=recipe)


def write_bundle(
    folder: Path,
    members: Mapping[str, bytes],
    *,
    name: str,
    version: str,
    preferred: str = "model.onnx",
) -> Bundle:
    """Write `members` (POSIX names to bytes) and their manifest as a bundle at `folder`.

    An older bundle at `folder` is replaced only once the new one is complete and checked.

    Raises:
        BundleError: the name or a member is not allowed, or a required one is missing.
    """
    listed = {n: Member(sha256=_sha256(b), bytes=len(b)) for n, b in sorted(members.items())}
    manifest = Manifest(name=name, version=version, preferred=preferred, members=listed)
    _check_names(manifest)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        for member, content in members.items():
            target = partial / member
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        text = json.dumps(manifest.model_dump(), indent=1, sort_keys=True) + "\n"
        (partial / MANIFEST).write_text(text, encoding="utf-8")
        open_bundle(partial)
        replace_folder(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_bundle(folder)


def replace_folder(new: Path, old: Path) -> None:
    """Put `new` in the place of `old`, which is kept until `new` stands there."""
    new.chmod(0o755)
    if not old.exists():
        new.rename(old)
        return
    aside = Path(tempfile.mkdtemp(dir=old.parent, prefix=f".{old.name}-old-"))
    old.rename(aside / "bundle")
    new.rename(old)
    shutil.rmtree(aside, ignore_errors=True)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(
            f"{folder} is no bundle: it has no {MANIFEST}",
            hint="give a bundle's name, its folder or its .ctsieve file",
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BundleError(f"{MANIFEST} of {folder.name}: {_first(error)}", hint=SPOILT) from error
    _check_names(manifest)
    return manifest


def _check_names(manifest: Manifest) -> None:
    if not NAME.fullmatch(manifest.name):
        raise BundleError(
            f"{manifest.name!r} is no bundle name", hint="use a-z, 0-9, dot, hyphen, underscore"
        )
    for member in manifest.members:
        path = PurePosixPath(member)
        inside = not path.is_absolute() and ".." not in path.parts and "\\" not in member
        if not inside or path.suffix not in SUFFIXES:
            raise BundleError(f"a bundle may not hold {member!r}", hint=SPOILT)
    missing = [m for m in (*REQUIRED, manifest.preferred) if m not in manifest.members]
    if missing:
        raise BundleError(f"bundle {manifest.name!r} lacks {missing[0]}", hint=SPOILT)


def _check_members(folder: Path, manifest: Manifest) -> None:
    present = {
        (Path(root) / file).relative_to(folder).as_posix()
        for root, _, files in os.walk(folder)
        for file in files
    }
    extra = sorted(present - set(manifest.members) - {MANIFEST})
    if extra:
        raise BundleError(f"bundle {manifest.name!r} holds unlisted {extra[0]!r}", hint=SPOILT)
    for name, member in manifest.members.items():
        path = folder / name
        if name not in present or path.is_symlink():
            raise BundleError(f"bundle {manifest.name!r} lacks {name}", hint=SPOILT)
        if Member.of(path) != member:
            raise BundleError(
                f"{name} of bundle {manifest.name!r} does not match its SHA-256", hint=SPOILT
            )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first(error: ValidationError) -> str:
    """The first complaint of pydantic in a few words."""
    detail = error.errors()[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"]
