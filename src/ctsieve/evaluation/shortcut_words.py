"""What an audit measured, put into findings: shortcuts, mixed files, copies."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ctsieve.types.audit import AuditFinding, CueResult, Gravity, Twins

TELLING = 0.6
"""AUC from which a fact that is no disease is a trap, if its interval lies above one half."""
EXAMPLES = 5
MOST_LEVELS = 4
"""Values of a fact that a sentence lists."""

KNOWN = frozenset({"png", "jpeg", "tiff", "bmp"})
"""Formats that an extension names."""

ADVICE = {
    "source": "Train on sources that hold both labels, or weight them; test within a source.",
    "file-extension": "Decode every file the same way before a model sees it; never show it names.",
    "file-format": "Compression leaves traces in pixels: recompress at random in training.",
    "picture-mode": "Convert to grey before anything else.",
    "picture-size": "Resize to one size after cropping to the lungs; blur and sharpen at random.",
    "file-size": "It follows size and compression: resize and recompress at random in training.",
    "window": "Vary window, brightness and contrast at random in training.",
    "spacing": "Resample to one spacing.",
    "coloured-marks": "Remove or paint over arrows and letters, or leave such pictures out.",
    "scanner": "Test on a scanner that was not trained on.",
    "around-the-lungs": "Crop to the lungs, and check that the model looks there.",
}


def cue_findings(cues: Sequence[CueResult]) -> tuple[AuditFinding, ...]:
    """A trap for every fact that tells a label; `cues` have the most telling first."""
    telling: dict[str, list[CueResult]] = {}
    for cue in cues:
        if cue.figure.value >= TELLING and cue.figure.low > 0.5:
            telling.setdefault(cue.cue, []).append(cue)
    return tuple(_shortcut(*own) for own in telling.values())


def _shortcut(best: CueResult, *others: CueResult) -> AuditFinding:
    figure = best.figure
    also = ", ".join(f"{cue.label} {cue.figure.value:.2f}" for cue in others)
    return AuditFinding(
        code=f"shortcut-{best.cue}",
        gravity="trap",
        sentence=f"{best.title} alone tells {best.label} from the rest with an AUC of "
        f"{figure.value:.2f} (95 % interval {figure.low:.2f} to {figure.high:.2f}){_levels(best)}."
        + (f" Also: {also}." if also else ""),
        advice=ADVICE[best.cue],
        number=figure.num_cases,
    )


def _levels(cue: CueResult) -> str:
    """As in ": all 238 covid19 are .png; others: 147 .jpg, 138 .png"; empty without levels."""
    own: Counter[str] = Counter()
    rest: Counter[str] = Counter()
    for value, labels in cue.levels.items():
        for label, number in labels.items():
            (own if label == cue.label else rest)[value] += number
    if not own or not rest:
        return ""
    return f": {_listed(own, cue.label)}; {_listed(rest, 'others')}"


def _listed(counts: Counter[str], whose: str) -> str:
    if len(counts) == 1:
        return f"all {counts.total()} {whose} are {next(iter(counts))}"
    parts = [f"{number} {value}" for value, number in counts.most_common(MOST_LEVELS)]
    left = counts.total() - sum(number for _, number in counts.most_common(MOST_LEVELS))
    parts += [f"{left} another"] if left else []
    return f"{whose}: {', '.join(parts)}"


def file_findings(
    words: Mapping[str, Mapping[str, str]], widths: Sequence[int], extensions: Mapping[str, str]
) -> tuple[AuditFinding, ...]:
    """Files that are not what their names say, and mixtures of formats, modes and sizes.

    `words` and `extensions` are by case; `widths` are in pixels.
    """
    formats = {case: facts.get("file-format", "") for case, facts in words.items()}
    modes = Counter(facts["picture-mode"] for facts in words.values())
    modes.pop("none", None)
    findings = [*_lying_names(formats, extensions)]
    for code, plural, counts in (
        ("mixed-extensions", "file name extensions", Counter(extensions.values())),
        ("mixed-formats", "file formats", Counter(filter(None, formats.values()))),
        ("mixed-modes", "pixel modes", modes),
    ):
        if len(counts) > 1:
            listed = ", ".join(f"{value} ({n})" for value, n in counts.most_common())
            findings.append(_note(code, f"There are {len(counts)} {plural}: {listed}."))
    if len(set(widths)) > 1:
        sentence = f"Pictures are {min(widths)} to {max(widths)} pixels wide."
        findings.append(_note("mixed-sizes", sentence))
    return tuple(findings)


def _note(code: str, sentence: str) -> AuditFinding:
    return AuditFinding(
        code=code,
        gravity="note",
        sentence=sentence,
        advice="Harmless if it is the same for every label: see the AUCs.",
    )


def _lying_names(formats: Mapping[str, str], extensions: Mapping[str, str]) -> list[AuditFinding]:
    """A note for each extension whose files hold another format."""
    same = {"jpg": "jpeg", "tif": "tiff"}
    found: dict[tuple[str, str], list[str]] = {}
    for case, kind in formats.items():
        said = extensions[case].removeprefix(".")
        if kind and same.get(said, said) in KNOWN - {kind}:
            found.setdefault((said, kind), []).append(case)
    return [
        AuditFinding(
            code="name-says-another-format",
            gravity="note",
            sentence=f"1 file named .{said} holds {kind.upper()} data."
            if len(cases) == 1
            else f"{len(cases)} files named .{said} hold {kind.upper()} data.",
            advice="Readers that believe names fail on them; this one looks at the first bytes.",
            examples=tuple(cases[:EXAMPLES]),
            number=len(cases),
        )
        for (said, kind), cases in found.items()
    ]


def twin_findings(twins: Sequence[Twins], patients: Mapping[str, str]) -> tuple[AuditFinding, ...]:
    """Copies on two sides, under two labels, under two patients; `patients` are by case."""
    sides = [pair for pair in twins if "" not in pair.sides and pair.sides[0] != pair.sides[1]]
    labels = [pair for pair in twins if pair.labels[0] != pair.labels[1]]
    apart = [
        pair for pair in twins if pair not in sides and patients[pair.one] != patients[pair.other]
    ]
    found = (
        _pairs(sides, "copies-on-two-sides", "leak", "on different sides"),
        _pairs(labels, "copies-under-two-labels", "trap", "under different labels"),
        _pairs(apart, "copies-under-two-patients", "trap", "under different patients"),
    )
    return tuple(finding for part in found for finding in part)


def _pairs(pairs: Sequence[Twins], code: str, gravity: Gravity, where: str) -> list[AuditFinding]:
    if not pairs:
        return []
    exact = sum(pair.exact for pair in pairs)
    turned = sum(pair.turned != "as it is" for pair in pairs)
    number = "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    return [
        AuditFinding(
            code=code,
            gravity=gravity,
            sentence=f"{number} of pictures are the same, or neighbouring slices of one scan, and "
            f"stand {where}: {exact} equal byte for byte, {turned} mirrored or turned.",
            advice="Look at them below.  Keep copies together: "
            "`ctsieve data split --copies-together`.",
            examples=tuple(f"{pair.one} | {pair.other}" for pair in pairs[:EXAMPLES]),
            number=len(pairs),
        )
    ]
