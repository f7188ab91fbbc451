"""Sides become a split only if nothing stands on two of them, unless somebody accepts that."""

from ctsieve.evaluation.overlap import overlaps
from ctsieve.types.cases import Sides, Split
from ctsieve.types.errors import InputRejected


def accepted_split(name: str, sides: Sides, *, accept_leakage: bool = False) -> Split:
    """The split with these sides; what they share is remembered in `Split.leakage` if accepted.

    Raises:
        InputRejected: a patient, scan, paper or file is on two sides and that is not accepted, or
            a case is on two sides, which is never accepted.
    """
    found = overlaps(sides)
    twice = [finding for finding in found if finding.code == "case-on-two-sides"]
    if twice:
        raise InputRejected(twice[0].sentence, hint=twice[0].advice)
    if found and not accept_leakage:
        sentences = " ".join(finding.sentence for finding in found)
        raise InputRejected(
            f"split {name!r} leaks: {sentences}",
            hint=f"the first is {found[0].examples[0]!r}; split by patient with `ctsieve data "
            "split`, or go on with --accept-leakage, which every result will say",
        )
    return Split(name=name, sides=sides, leakage=tuple(finding.sentence for finding in found))
