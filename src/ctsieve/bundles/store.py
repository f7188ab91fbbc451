"""Where bundles live: embedded in the package, imported into the user's store, or a path.

The store is `$CTSIEVE_HOME`, or the platform's user data folder.  Nothing is ever downloaded.
"""

import errno
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import platformdirs

from ctsieve.bundles.bundle import (
    MANIFEST,
    MAX_MEMBER_BYTES,
    Bundle,
    open_bundle,
    replace_folder,
)
from ctsieve.types.errors import BundleError, OutOfResources
from ctsieve.types.provenance import file_digest

DEFAULT = "la-dnn-mobilenet-v2"
"""The bundle that answers when none is named."""

EMBEDDED = Path(__file__).parent / "embedded"
ARCHIVE_SUFFIX = ".ctsieve"
MAX_MEMBERS = 1000
CHUNK = 1 << 20


def home() -> Path:
    """The folder of imported bundles."""
    override = os.environ.get("CTSIEVE_HOME")
    root = Path(override) if override else Path(platformdirs.user_data_dir("ctsieve"))
    return root / "bundles"


def names() -> tuple[str, ...]:
    """Names of the bundles at hand, embedded and imported."""
    folders = [p for root in (EMBEDDED, home()) if root.is_dir() for p in root.iterdir()]
    return tuple(sorted({p.name for p in folders if (p / MANIFEST).is_file()}))


def find(bundle: str | Path | None = None) -> Bundle:
    """Open a bundle by name, folder or .ctsieve file; the default one when none is given.

    Raises:
        BundleError: there is no such bundle, or it is not what its manifest says.
    """
    if bundle is None:
        return find(DEFAULT)
    path = Path(bundle)
    if path.is_dir():
        return open_bundle(path)
    if path.is_file():
        return _open_archive(path)
    for root in (home(), EMBEDDED):
        if path.name == str(bundle) and (root / path / MANIFEST).is_file():
            return open_bundle(root / path)
    known = ", ".join(names()) or "none"
    raise BundleError(f"there is no bundle {str(bundle)!r}", hint=f"bundles at hand: {known}")


def _open_archive(archive: Path) -> Bundle:
    """Open a .ctsieve file without adding it to the store: it is unpacked once, by its digest."""
    cache = home().parent / "unpacked"
    folder = cache / file_digest(archive)
    if not (folder / MANIFEST).is_file():
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=cache, prefix=".unpack-"))
        try:
            _unpack(archive, partial / "bundle")
            open_bundle(partial / "bundle")
            replace_folder(partial / "bundle", folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return open_bundle(folder)


def import_bundle(source: Path) -> Bundle:
    """Check a bundle (folder or .ctsieve file) and copy it into the store under its name.

    Raises:
        BundleError: it is no bundle, or not what its manifest says.
    """
    store = home()
    store.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=store, prefix=".import-"))
    try:
        copy = partial / "bundle"
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            _unpack(source, copy)
        checked = open_bundle(copy)
        target = store / checked.manifest.name
        replace_folder(copy, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_bundle(target)


def pack(bundle: Bundle, archive: Path) -> Path:
    """Write a bundle as one .ctsieve file (a zip, members stored in order, no dates)."""
    partial = archive.with_name(f".{archive.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
            for name in (MANIFEST, *sorted(bundle.manifest.members)):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, (bundle.folder / name).read_bytes())
        partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a .ctsieve file; names are checked here, contents by `open_bundle`."""
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
            if len(entries) > MAX_MEMBERS:
                raise BundleError(f"{archive.name} holds {len(entries)} members")
            for entry in entries:
                _unpack_member(file, entry, folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise OutOfResources(
                f"the disk filled while {archive.name} was unpacked",
                hint="free some space where CTSIEVE_HOME points",
            ) from error
        raise BundleError(
            f"{archive.name} is no {ARCHIVE_SUFFIX} file, or is damaged",
            hint="get it again from its source",
        ) from error


def _unpack_member(file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = (folder / entry.filename).resolve()
    if entry.is_dir():
        return
    if not target.is_relative_to(folder.resolve()) or entry.file_size > MAX_MEMBER_BYTES:
        raise BundleError(f"a bundle may not hold {entry.filename!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with file.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise BundleError(f"{entry.filename!r} is larger than it says")
            sink.write(chunk)
