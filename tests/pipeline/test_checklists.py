"""Reporting guidelines: their items, and answers that are true of the page they stand on."""

from dataclasses import replace

from tests.evaluation.samples import normal_sample, table_of

from ctsieve.evaluation.checklists import checklists, keys
from ctsieve.evaluation.summary import summarise
from ctsieve.pipeline.answers import answers_of
from ctsieve.pipeline.evaluate import report_of
from ctsieve.pipeline.stamp import Origin

ROWS = {
    "CLAIM 2024": [str(n) for n in range(1, 45)],
    "TRIPOD+AI": [
        *("1", "2", "3a", "3b", "3c", "4", "5a", "5b", "6a", "6b", "6c", "7", "8a", "8b", "8c"),
        *("9a", "9b", "9c", "10", "11", *(f"12{c}" for c in "abcdefg"), "13", "14", "15", "16"),
        *("17", *(f"18{c}" for c in "abcdef"), "19", "20a", "20b", "20c", "21", "22", "23a"),
        *("23b", "24", "25", "26", "27a", "27b", "27c"),
    ],
    "STARD-AI": [
        *(str(n) for n in range(1, 15)),
        *("15a", "15b", "15c", "15d", "16a", "16b", "16c", "17a", "17b"),
        *(str(n) for n in range(18, 26)),
        *("26a", "26b", *(str(n) for n in range(27, 40)), "40a", "40b"),
    ],
}
"""Numbers of the published lists: 44 rows, 52 rows of 27 items, 48 rows of 40 items."""


def test_guidelines_number_their_items_as_published_and_leave_blanks_for_people() -> None:
    found = {c.name: c for c in checklists({"data": "this", "model": "that"})}
    assert {name: [i.number for i in c.items] for name, c in found.items()} == ROWS
    assert [len(c.items) for c in found.values()] == [44, 52, 48]
    claim = found["CLAIM 2024"]
    assert (claim.items[6].answer, claim.items[21].answer) == ("this", "that")
    assert claim.num_filled == 2
    assert all(i.topic and "<-" not in i.topic for c in found.values() for i in c.items)
    assert all("not compared with the article" in c.checked for c in found.values())


def test_every_answer_has_an_item_and_every_asking_item_an_answer() -> None:
    table = table_of(normal_sample(0, size=20))
    summary = summarise(report_of(table), table, level="slice")
    origin = Origin(table=table, summary=summary, recipe=None)
    answers = answers_of(origin)
    assert set(answers) <= keys()
    recipes = {"preprocessing", "cut", "explain"}
    unknown = {"people", "ensemble", "external"}
    assert keys() - set(answers) == recipes | unknown
    assert "test 20" in answers["internal"]

    known = table.of(tuple(replace(r, facts={**r.facts, "sex": "female"}) for r in table.rows))
    assert answers_of(replace(origin, table=known))["people"] == "sex of patients: female 20"


def test_an_answer_is_true_of_the_page_it_stands_on() -> None:
    """A page made from scores shows no explanation; one without a wrong call has no failure."""
    table = table_of(normal_sample(0, size=20))
    summary = summarise(report_of(table), table, level="slice")
    origin = Origin(table=table, summary=summary, recipe=None)
    assert "without their images" in answers_of(origin)["failures"]
    assert "with their explanations" in answers_of(replace(origin, has_pictures=True))["failures"]
    assert "failures" not in answers_of(replace(origin, summary=replace(summary, errors=())))
    assert "has to be added" in answers_of(origin)["disjoint"], "scores cannot know it"
    assert "leak 2" in answers_of(replace(origin, audit="findings: leak 2"))["disjoint"]
