"""What the gate can say: every code with its severity, its rule and the numbers in it.

`docs/reference/gate.md` is made from `RULES` by `rules_page`; a test keeps both the same.
"""

from dataclasses import dataclass
from typing import Literal

from ctsieve.types.promise import promise
from ctsieve.types.results import Finding

LEAST_LUNGS_CM2 = 20.0
"""Largest lung section of a volume below this: no chest, or too little of it to be judged."""
AIR_HU = -400.0
"""Nothing below this: no air and no lung, so the numbers are no Hounsfield units of a chest."""
FAT_HU = -200.0
"""Denser than this is the body: fat, water, muscle, bone."""
BONE_HU = 300.0
"""Denser than this is bone, metal or contrast agent."""
LEAST_TISSUE_SHARE = 0.5
"""Share of the body between `FAT_HU` and `BONE_HU` that every part of a patient has."""
LEAST_BODY_SHARE = 0.01
"""Less of a volume denser than `FAT_HU`: no body, or numbers that are no Hounsfield units."""
SCAN_SLICES = 8
"""Fewer slices that show lungs are no scan: slices can be judged, the scan cannot."""
CUT_SHARE = 0.15
"""A first or last slice with this share of the largest lung section: lungs go on beyond it."""
FOV_CONTACT_MM = 30.0
"""Lungs that touch the edge of a slice over this length are cut by the field of view."""
FOV_CONTACT_SHARE = 0.25
"""The same for a picture, as a share of its longer side."""
THICK_MM = 5.0
"""Slices thicker or further apart than this hide small opacities."""
TILT_DEGREES = 1.0
"""Gantry tilt that shears the grid to speak of."""
SPINE_RATIO = 2.0
"""This much more bone in front of the lungs than behind: the back is not where it should be."""
BLACK_LUNG = 0.03
"""Lungs of a picture with a median at or below this show nothing but black."""
COLOURED_SHARE = 0.0005
"""A picture with this share of coloured pixels has marks drawn on it."""
WHITE_FRAME = 0.95
"""A border line as bright as this on average belongs to a page, not to a CT."""
SQUARE_RATIO = 1.05
"""CT slices are square; longer by more than this means cut out."""
PANEL_SHARE = 0.35
"""Regions of this share of the largest are lungs; three and more are several panels."""
SMALL_PIXELS = 200
"""A picture whose shorter side is below this has lost fine opacities."""

Severity = Literal["warning", "rejection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a code is given, and what follows from it."""

    severity: Severity
    images: Literal["both", "volume", "picture"]
    when: str
    """The rule in words, with its numbers."""


RULES: dict[str, Rule] = {
    "not-ct": Rule(
        severity="rejection",
        images="both",
        when="the header names a modality other than CT; for a picture, one that is no capture "
        "(OT, SC) either",
    ),
    "localiser": Rule(
        severity="rejection",
        images="both",
        when="the header's image type says LOCALIZER: a scout view, no slice",
    ),
    "not-hu": Rule(
        severity="rejection",
        images="volume",
        when=f"nothing is below {AIR_HU:.0f} HU, or less than {LEAST_BODY_SHARE:.0%} of the volume "
        f"is above {FAT_HU:.0f} HU, or less than {LEAST_TISSUE_SHARE:.0%} of what is above "
        f"{FAT_HU:.0f} HU is below {BONE_HU:.0f} HU",
    ),
    "not-chest": Rule(
        severity="rejection",
        images="both",
        when=f"volume: the largest lung section is below {LEAST_LUNGS_CM2:.0f} cm2; picture: no "
        "slice shows dark regions of the size of lungs inside a bright body",
    ),
    "inverted": Rule(
        severity="rejection",
        images="picture",
        when="black and white are exchanged: only then two dark regions lie side by side in a "
        "bright body, and either dark air lies around it or no lungs show otherwise",
    ),
    "single-slice": Rule(
        severity="rejection",
        images="volume",
        when="the series has one slice, which is no scan",
    ),
    "few-slices": Rule(
        severity="warning",
        images="both",
        when=f"fewer than {SCAN_SLICES} slices show lungs; a single picture is never called that. "
        "Slices are judged one by one, a scan's answer is withheld",
    ),
    "partial-coverage": Rule(
        severity="warning",
        images="volume",
        when=f"the first or the last slice has at least {CUT_SHARE:.0%} of the largest lung "
        f"section (volumes with at least {SCAN_SLICES} lung slices)",
    ),
    "truncated-fov": Rule(
        severity="warning",
        images="both",
        when=f"lungs touch the edge of a slice over at least {FOV_CONTACT_MM:.0f} mm; picture: "
        f"over {FOV_CONTACT_SHARE:.0%} of its longer side",
    ),
    "wrong-orientation": Rule(
        severity="warning",
        images="both",
        when="the lungs lie one above the other (a quarter turn); volume also: "
        f"{SPINE_RATIO:.0f} times as much bone in the front third of the lungs as in the back",
    ),
    "prone": Rule(
        severity="warning",
        images="volume",
        when="the header's patient position is prone: what lies low, lies in front",
    ),
    "perhaps-inverted": Rule(
        severity="warning",
        images="picture",
        when="the same, but something passes for lungs as it is, and no air around the body shows",
    ),
    "wrong-window": Rule(
        severity="warning",
        images="picture",
        when=f"the lungs' median is at or below {BLACK_LUNG:.2f} of white: a soft-tissue window",
    ),
    "figure-from-paper": Rule(
        severity="warning",
        images="picture",
        when=f"any of: {COLOURED_SHARE:.2%} of the pixels are coloured; a border line is white "
        f"({WHITE_FRAME:.2f} on average); the longer side is over {SQUARE_RATIO:.2f} times the "
        f"shorter; three regions or more have {PANEL_SHARE:.0%} of the largest lung",
    ),
    "low-resolution": Rule(
        severity="warning",
        images="picture",
        when=f"the shorter side has fewer than {SMALL_PIXELS} pixels",
    ),
    "thick-slices": Rule(
        severity="warning",
        images="volume",
        when=f"slices are thicker, or (two and more) further apart, than {THICK_MM:.1f} mm",
    ),
    "damaged-files": Rule(
        severity="warning",
        images="volume",
        when="files of the study are damaged and were left out",
    ),
    "interpolated-slices": Rule(
        severity="warning",
        images="volume",
        when="the reader filled slices that are missing in the series",
    ),
    "assumed-places": Rule(
        severity="warning",
        images="volume",
        when="the header does not say where the slices lie, or names one place for all; their "
        "order was taken from Slice Location or Instance Number",
    ),
    "gantry-tilt": Rule(
        severity="warning",
        images="volume",
        when=f"the gantry was tilted by more than {TILT_DEGREES:.0f} degree",
    ),
    "assumed-hu": Rule(
        severity="warning",
        images="volume",
        when="the file says nothing of rescaling; its integers were taken as Hounsfield units",
    ),
    "burned-in-annotation": Rule(
        severity="warning",
        images="both",
        when="the header says that annotation is burned into the pixels",
    ),
    "contrast-unknown": Rule(
        severity="warning",
        images="volume",
        when="the header says nothing at all of the acquisition (modality, kernel, voltage, "
        "manufacturer, contrast agent): NIfTI, stripped DICOM.  A DICOM series that only lacks "
        "the contrast agent is plain and not warned of",
    ),
}
"""All codes, rejections and graver warnings first; findings come in this order."""


def found(code: str, sentence: str) -> Finding:
    """A finding with the severity of its rule."""
    promise(code in RULES, f"{code!r} is a code of the gate")
    return Finding(code=code, severity=RULES[code].severity, sentence=sentence)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings in the order of `RULES`."""
    order = list(RULES)
    return tuple(sorted(findings, key=lambda f: order.index(f.code)))


def rules_page() -> str:
    """The table of all codes in Markdown, as it stands in docs/reference/gate.md."""
    lines = ["| code | severity | images | when |", "|---|---|---|---|"]
    lines += [
        f"| `{code}` | {rule.severity} | {rule.images} | {rule.when} |"
        for code, rule in RULES.items()
    ]
    return "\n".join(lines) + "\n"
