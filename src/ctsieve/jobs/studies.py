"""A study at one moment: its files frozen under the digest of their contents.

Files are hard-linked, not copied: what arrives later replaces names, never the frozen bytes.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ctsieve.jobs.durable import place_folder, sync_folder
from ctsieve.types.promise import promise
from ctsieve.types.provenance import file_digest

STUDIES: Final = "studies"


def freeze(home: Path, files: Mapping[str, Path]) -> tuple[str, str]:
    """Keep `files` (name in the study -> file now) below `home`; (digest, folder below `home`).

    The digest is the SHA-256 over names and contents, whatever their order.  Freezing the same
    study twice gives the same folder.  `files` must lie on the disk of `home`.
    """
    promise(bool(files), "a study has files")
    root = home / STUDIES
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=root, prefix=".part-"))
    try:
        lines = []
        for name, file in sorted(files.items()):
            target = partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, target)
            # Hashed through the link: the name outside may be given to other bytes meanwhile.
            lines.append(f"{name} {file_digest(target)}")
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        if not (root / digest).is_dir():
            # Links to files that are durable: only their names are new.
            for folder in {(partial / name).parent for name in files}:
                sync_folder(folder)
            place_folder(partial, root / digest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return digest, f"{STUDIES}/{digest}"


def remove(home: Path, digest: str) -> None:
    """Delete a frozen study; nothing happens where there is none."""
    shutil.rmtree(home / STUDIES / digest, ignore_errors=True)
