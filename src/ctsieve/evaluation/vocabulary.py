"""Words that should mean the same and are spelled in two ways, or that nobody expects.

A label that a program does not know is ignored in silence: an output then learns that its finding
never occurs.  The released code of LA-DNN asks for `Aibr` where its files say `AirBr`.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ctsieve.types.audit import AuditFinding

NEAR = 0.6
"""Share of letters two words have in common, in order, from which one may be meant by the other."""
FLAG_WORDS = 2
"""A column of a table with more different words is no flag."""


def unexpected_words(
    kind: str, found: Mapping[str, int], expected: Sequence[str]
) -> tuple[AuditFinding, ...]:
    """Words of the data that nobody expects, and expected words that no case has.

    `found` says how many cases have each word; `kind` is "label" or "lesion".
    """
    findings = []
    for word, number in found.items():
        if word in expected:
            continue
        meant = nearest(word, [e for e in expected if not found.get(e)] or expected)
        guess = f"; is {meant!r} meant?" if meant else ""
        findings.append(
            AuditFinding(
                code=f"unknown-{kind}",
                gravity="trap",
                sentence=f"{_counted(number)} the {kind} {word!r}, which is not expected{guess}",
                advice=f"A model asked for {', '.join(expected)} never learns {word!r}: spell it "
                "as the model does, or teach the model the word.",
                examples=(word, *filter(None, (meant,))),
                number=number,
            )
        )
    findings += [_never(kind, word) for word in expected if not found.get(word)]
    return tuple(findings)


def _counted(number: int) -> str:
    return f"{number} case has" if number == 1 else f"{number} cases have"


def _never(kind: str, word: str) -> AuditFinding:
    return AuditFinding(
        code=f"{kind}-never-seen",
        gravity="note",
        sentence=f"No case has the {kind} {word!r}, which is expected.",
        advice="An output for it learns that it never occurs: leave it out, or look for a spelling "
        "mistake.",
        examples=(word,),
    )


def spellings(kind: str, found: Mapping[str, int]) -> tuple[AuditFinding, ...]:
    """Words of the data that differ only in capitals, spaces, hyphens or underscores."""
    alike: dict[str, list[str]] = {}
    for word in found:
        alike.setdefault("".join(c for c in word.casefold() if c.isalnum()), []).append(word)
    return tuple(
        AuditFinding(
            code=f"{kind}-spelled-twice",
            gravity="trap",
            sentence=f"One {kind} is spelled in {len(words)} ways: "
            + ", ".join(f"{word!r} ({found[word]})" for word in words)
            + ".",
            advice="Choose one spelling: a program counts them as different.",
            examples=tuple(words),
            number=sum(found[word] for word in words),
        )
        for words in alike.values()
        if len(words) > 1
    )


def flag_spellings(table: str, rows: Sequence[Mapping[str, str]]) -> tuple[AuditFinding, ...]:
    """Columns of a table whose cells hold, as a flag, a word that is almost the column's name.

    A flag column has empty cells too, and at most `FLAG_WORDS` words.
    """
    findings = []
    for column in rows[0] if rows else ():
        cells = Counter((row[column] or "").strip() for row in rows)
        empty = cells.pop("", 0)
        odd = {word: n for word, n in cells.items() if word != column and nearest(word, [column])}
        if odd and empty and len(cells) <= FLAG_WORDS and set(cells) <= {column, *odd}:
            findings.append(_odd_flag(table, column, odd))
    return tuple(findings)


def _odd_flag(table: str, column: str, odd: Mapping[str, int]) -> AuditFinding:
    spelled = ", ".join(f"{word!r} ({number})" for word, number in odd.items())
    return AuditFinding(
        code="flag-spelled-twice",
        gravity="trap",
        sentence=f"{table}: cells of column {column!r} say {spelled}.",
        advice="A program that compares cells with one spelling ignores the other in silence.",
        examples=(column, *odd),
        number=sum(odd.values()),
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` may stand for; "" if none is near.

    Near are words that share most letters in order, or of which one begins with the other.

    Example:
        >>> nearest("Aibr", ["GGO", "AirBr"]), nearest("InSep", ["InSepThi", "GGO"])
        ('AirBr', 'InSepThi')
        >>> nearest("GGO", ["CrPa"])
        ''
    """

    def likeness(other: str) -> float:
        one, two = word.casefold(), other.casefold()
        if len(one) >= 3 and (one.startswith(two) or two.startswith(one)):
            return 1.0
        return difflib.SequenceMatcher(None, one, two).ratio()

    best = max(known, key=likeness, default="")
    return best if best and likeness(best) >= NEAR else ""
