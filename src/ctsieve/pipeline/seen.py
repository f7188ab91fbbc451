"""Cases that a bundle knows already: its networks learned from them, or its cut was chosen on them.

Known are the cases of the bundle's held-out scores.  Where there are several networks each of these
cases was learned from by all networks but one; where there is one network they are its tune side.
"""

from ctsieve.bundles.bundle import HELD_OUT, Bundle
from ctsieve.pipeline.held_out import held_out_scores
from ctsieve.types.errors import InputRejected
from ctsieve.types.scores import NETWORK, CaseScore, ScoreTable

LEARNED = (
    "{seen} of {total} cases are of patients that the bundle's networks have learned from: the "
    "numbers measure memory as much as skill. Without DATA the command reports on the held-out "
    "scores of the same cases."
)
CHOSEN = (
    "{seen} of {total} cases are of patients that the bundle's calibration and cut were chosen on: "
    "the numbers are too good."
)


def seen_doubts(bundle: Bundle, table: ScoreTable) -> tuple[str, ...]:
    """A doubt where scores of a bundle are of cases, or of their patients, that it knows already.

    Scores of a single network of several that never saw the patient (`fact:network`) give none.
    """
    made_from = _made_from(bundle)
    seen = len(_seen(made_from, table))
    if not seen:
        return ()
    sentence = LEARNED if _are_of_several_networks(made_from) else CHOSEN
    return (sentence.format(seen=seen, total=len(table.rows)),)


def refuse_learned_from(bundle: Bundle, table: ScoreTable) -> None:
    """Let pass only scores of cases that the bundle's networks did not learn from.

    A network is sure of what it has learned: a calibration fitted there would promise as much of
    new patients, whatever side the scores are marked with.

    Raises:
        InputRejected: some networks have learned from a case, or from its patient.
    """
    made_from = _made_from(bundle)
    seen = _seen(made_from, table) if _are_of_several_networks(made_from) else ()
    if seen:
        raise InputRejected(
            f"{len(seen)} of {len(table.rows)} cases are of patients that the bundle's networks "
            f"have learned from, the first is {seen[0].case!r}",
            hint="nothing may be fitted on training data: score patients that are new to it",
        )


def _made_from(bundle: Bundle) -> tuple[CaseScore, ...]:
    if HELD_OUT not in bundle.manifest.members:
        return ()
    return held_out_scores(bundle).rows


def _are_of_several_networks(rows: tuple[CaseScore, ...]) -> bool:
    return any(NETWORK in row.facts for row in rows)


def _seen(made_from: tuple[CaseScore, ...], table: ScoreTable) -> tuple[CaseScore, ...]:
    cases = {row.case for row in made_from}
    patients = {(row.site, row.patient) for row in made_from}
    return tuple(
        row
        for row in table.rows
        if NETWORK not in row.facts and (row.case in cases or (row.site, row.patient) in patients)
    )
