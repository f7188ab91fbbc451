"""Named patients, as the textbooks draw them: `normal`, `covid`, `pneumonia`, `early`, `focal`.

Sources: COVID-19 is bilateral, peripheral, posterior and basal ground glass that gains crazy
paving and consolidation (S. Simpson et al., RSNA Expert Consensus, Radiology: Cardiothoracic
Imaging 2 (2020)), which begins with one or two small patches (F. Pan et al., Radiology 295 (2020),
stage 1); lobar pneumonia is one lobe of consolidation with an air bronchogram
(D. M. Hansell et al., Radiology 246 (2008)).
"""

from collections.abc import Callable

import numpy as np

from ctsieve.phantoms.spec import LOBES, ChestSpec, LesionKind, LesionSpec, Side, Zone
from ctsieve.types.errors import UnknownName

LABELS = {
    "normal": "neither",
    "covid": "covid19",
    "pneumonia": "other_pneumonia",
    "early": "covid19",
    "focal": "covid19",
}
"""What a screening should say of each preset."""


def preset(kind: str, *, seed: int, num_slices: int = 60, matrix: int = 512) -> ChestSpec:
    """The spec of a named patient; the seed decides build, number, size and place of lesions.

    Raises:
        UnknownName: there is no such patient.

    Example:
        >>> {lesion.side for lesion in preset("covid", seed=3).lesions} == {"left", "right"}
        True
    """
    if kind not in _LESIONS:
        raise UnknownName(
            f"there is no phantom called {kind!r}", hint=f"known: {', '.join(_LESIONS)}"
        )
    rng = np.random.default_rng([seed, 77])
    return ChestSpec.covering(
        seed=seed, num_slices=num_slices, matrix=matrix, lesions=_LESIONS[kind](rng)
    )


def _none(_: np.random.Generator) -> tuple[LesionSpec, ...]:
    return ()


def _covid(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    """Five to nine lesions on both sides, most of them low and behind, most of them hazy."""
    lesions = []
    for number in range(int(rng.integers(5, 10))):
        swap = number > 1 and rng.random() < 0.25
        side: Side = "left" if bool(number % 2) != swap else "right"
        kind: LesionKind = "ggo"
        if number == 1 or (number > 3 and rng.random() < 0.25):
            kind = "crazy_paving"
        elif number == 2 or (number > 3 and rng.random() < 0.2):
            kind = "consolidation"
        low: Zone = "lower" if rng.random() < 0.65 else "middle"
        zone: Zone = "upper" if number > 4 and rng.random() < 0.3 else low
        largest = {"ggo": 95.0, "crazy_paving": 75.0, "consolidation": 28.0}[kind]
        lesions.append(
            LesionSpec(
                kind=kind,
                side=side,
                zone=zone,
                placement="peripheral",
                posterior=bool(rng.random() < 0.85),
                ml=round(float(rng.uniform(0.3, 1.0)) * largest, 1),
            )
        )
    return tuple(lesions)


def _early(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    """One or two small hazy patches near the pleura: most slices show nothing."""
    return tuple(
        LesionSpec(
            kind="ggo",
            side="left" if rng.random() < 0.5 else "right",
            zone="lower" if rng.random() < 0.65 else "middle",
            placement="peripheral",
            posterior=bool(rng.random() < 0.85),
            ml=round(float(rng.uniform(4.0, 10.0)), 1),
        )
        for _ in range(int(rng.integers(1, 3)))
    )


def _focal(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    """One dense patch deep in a lung, at any height: plain to see, in few slices."""
    zones: tuple[Zone, ...] = ("upper", "middle", "lower")
    patch = LesionSpec(
        kind="consolidation",
        side="left" if rng.random() < 0.5 else "right",
        zone=zones[int(rng.integers(0, len(zones)))],
        placement="central",
        posterior=bool(rng.random() < 0.5),
        ml=round(float(rng.uniform(15.0, 40.0)), 1),
    )
    return (patch,)


def _pneumonia(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    """One lobe of one lung solid, with a hazy rim."""
    lobe = LOBES[int(rng.choice(len(LOBES), p=(0.2, 0.15, 0.3, 0.1, 0.25)))]
    side: Side = "left" if lobe[0] == "L" else "right"
    ml = round(float(rng.uniform(0.5, 1.0)) * (130.0 if lobe == "RML" else 420.0), 1)
    solid = LesionSpec(
        kind="consolidation", side=side, zone="middle", placement="lobar", lobe=lobe, ml=ml
    )
    hazy = solid.model_copy(update={"kind": "ggo", "ml": round(0.15 * ml, 1)})
    return (solid, hazy)


_LESIONS: dict[str, Callable[[np.random.Generator], tuple[LesionSpec, ...]]] = {
    "normal": _none,
    "covid": _covid,
    "pneumonia": _pneumonia,
    "early": _early,
    "focal": _focal,
}
