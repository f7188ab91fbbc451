"""What the node speaks: the constants its code uses, and the conformance statement made of them.

Source   PS3.2 (Conformance), PS3.4 Annex B (Storage Service Class), PS3.7 C (status codes).
"""

from enum import IntEnum
from typing import Final

from pydicom.uid import UID

from ctsieve.node.settings import NodeSettings
from ctsieve.readers.dicom import TRANSFER_SYNTAXES as READ
from ctsieve.types.provenance import hashed
from ctsieve.version import __version__

STORED: Final = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
)
"""SOP classes received: CT, Enhanced CT, Legacy Converted Enhanced CT Image Storage.  Results are
not among them, so that two nodes cannot send each other the same study for ever."""

VERIFICATION: Final = "1.2.840.10008.1.1"

TRANSFER_SYNTAXES: Final = READ
"""Accepted for every stored class: all that the reader decodes."""

PLAIN_SYNTAXES: Final = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
)
"""Explicit and implicit little endian: accepted for verification, which sends no data set."""

SENT: Final = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.88.34": "report (Comprehensive 3D SR, TID 1500)",
    "1.2.840.10008.5.1.4.1.1.88.59": "key objects",
    "1.2.840.10008.5.1.4.1.1.30": "parametric map",
    "1.2.840.10008.5.1.4.1.1.7.4": "summary and overlays, multi-frame",
    "1.2.840.10008.5.1.4.1.1.7": "summary and overlays",
}
"""SOP classes sent, with what they hold; others are proposed too when a format writes them."""

MAX_PDU: Final = 1 << 17
"""Bytes of the largest PDU we take: the largest that dcmtk sends."""
ACSE_SECONDS: Final = 15
DIMSE_SECONDS: Final = 60
IDLE_SECONDS: Final = 60

IMPLEMENTATION_CLASS_UID: Final = "2.25.302518372391466372194733217803297310293"
IMPLEMENTATION_VERSION: Final = f"CTSIEVE_{__version__}"[:16]


class Status(IntEnum):
    """Answers to C-STORE (PS3.4 B.2.3, PS3.7 C)."""

    SUCCESS = 0x0000
    OUT_OF_RESOURCES = 0xA700
    MISMATCH = 0xA900
    CANNOT_UNDERSTAND = 0xC000


MEANINGS: Final = {
    Status.SUCCESS: "the instance is on disk: written and synchronised",
    Status.OUT_OF_RESOURCES: "too little free space; send again later",
    Status.MISMATCH: "the data set is another instance than the request says",
    Status.CANNOT_UNDERSTAND: "no CT image, damaged, or beyond the limits of the reader",
}


def statement() -> str:
    """The conformance statement as Markdown."""
    default = NodeSettings()
    lines = [
        "# DICOM conformance statement",
        "",
        "Made by `make docs` from the code; do not edit.",
        "",
        f"ctsieve {__version__}. Research use only. Not a medical device.",
        "",
        "## Application entity",
        "",
        "| | |",
        "|---|---|",
        f"| AE title | `{default.ae_title}` by default; `ae_title` sets it |",
        f"| port | {default.port} by default, on {default.host} unless `host` says otherwise |",
        f"| implementation class UID | {IMPLEMENTATION_CLASS_UID} |",
        f"| implementation version name | {IMPLEMENTATION_VERSION} |",
        f"| largest PDU received | {MAX_PDU} bytes |",
        f"| associations at once | {default.max_associations} (`max_associations`); more are "
        "rejected: transient, local limit exceeded |",
        f"| largest object | {default.max_object_mb} MB (`max_object_mb`); the association is "
        "aborted |",
        f"| time limits | request for an association {ACSE_SECONDS} s, idle {IDLE_SECONDS} s; as "
        f"sender {DIMSE_SECONDS} s for an answer |",
        "| asynchronous operations, extended negotiation, role selection | none |",
        "| called AE title | must be ours |",
        "| calling AE titles | those in `senders`; required to listen beyond loopback |",
        "| security | TLS 1.2 or later by option, client certificates by option |",
        "| character sets | headers are kept as they come; results repeat them |",
        "",
        "## As storage SCP",
        "",
        "| SOP class | UID |",
        "|---|---|",
        *(f"| {UID(uid).name} | {uid} |" for uid in (VERIFICATION, *STORED)),
        "",
        "Each storage class with each transfer syntax:",
        "",
        "| transfer syntax | UID |",
        "|---|---|",
        *(f"| {UID(uid).name} | {uid} |" for uid in TRANSFER_SYNTAXES),
        "",
        "An instance is acknowledged only when it is safe on disk. The same instance again "
        "replaces the earlier copy. A study counts as complete when nothing of it has come for "
        f"{default.quiet_seconds:g} s (`quiet_seconds`). It is then screened once; the same files "
        "again change nothing, further files make a new job of the whole.",
        "",
        "| status | meaning |",
        "|---|---|",
        *(f"| {status:04X} | {meaning} |" for status, meaning in MEANINGS.items()),
        "",
        "## As storage SCU",
        "",
        "| SOP class | UID | holds |",
        "|---|---|---|",
        *(f"| {UID(uid).name} | {uid} | {what} |" for uid, what in SENT.items()),
        "",
        "Results go to each peer in `send_to`, by C-STORE or STOW-RS, in the transfer syntax they "
        "were written in. A peer that refuses or does not answer is tried again for three days; "
        "one that has an object already (0111) has it. "
        "UIDs are functions of study, bundle and version: sending twice makes no copies.",
        "",
        "## DICOMweb",
        "",
        "| service | role | when |",
        "|---|---|---|",
        "| STOW-RS | user agent | peers whose address begins with http or https |",
        "| QIDO-RS (series: Modality CT, StudyDate), WADO-RS | user agent | `pull` names a peer |",
        "",
        "## Results and IHE AI Results",
        "",
        "| result primitive | object |",
        "|---|---|",
        "| region of interest | Segmentation |",
        "| measurement, qualitative finding | Comprehensive 3D SR, TID 1500 |",
        "| image or series of interest | Key Object Selection |",
        "| parametric map | Parametric Map |",
        "| presentation for any viewer | Secondary Capture |",
    ]
    return "\n".join(lines) + "\n"


def sender_name(ae_title: str) -> str:
    """A calling AE title, fit for logs: titles are free text of a stranger."""
    known = "".join(c for c in ae_title if c.isascii() and (c.isalnum() or c in "_-."))
    return known[:16] or hashed(ae_title)
