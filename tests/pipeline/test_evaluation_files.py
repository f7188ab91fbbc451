"""The report on disk: everything is there, nothing is fetched, and every number has its n."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evaluation.samples import normal_sample, table_of
from tests.pipeline.commands import run
from tests.screened import screener

from ctsieve.bundles.bundle import HELD_OUT
from ctsieve.bundles.store import find
from ctsieve.phantoms.cohort import CohortConfig, make_cohort
from ctsieve.pipeline.evaluation_job import Job, scored_of
from ctsieve.pipeline.held_out import held_out_scores
from ctsieve.pipeline.score_file import load_scores, save_scores
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.results import NOTICE

FIGURES = ("abstention", "decision", "precision-recall", "reliability", "roc", "scores")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of made scores."""
    folder = tmp_path_factory.mktemp("report")
    scores = save_scores(table_of(normal_sample(0, size=60, each=2)), folder / "made.csv")
    run("evaluate", "-", scores, "--out", folder / "out")
    return folder / "out"


def test_the_report_is_whole_and_fetches_nothing(reported: Path) -> None:
    page = (reported / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert NOTICE in page
    for name in FIGURES:
        svg = (reported / "figures" / f"{name}.svg").read_text()
        assert svg.rstrip().endswith("</svg>")
        assert "<image" not in svg
        assert (reported / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_charts_change_their_colours_with_the_theme(reported: Path) -> None:
    for name in FIGURES:
        svg = (reported / "figures" / f"{name}.svg").read_text()
        assert "prefers-color-scheme: dark" in svg
        drawing = svg.partition("</style>")[2]
        assert "var(--c" in drawing
        assert "#15212c" not in drawing


def test_every_number_of_the_json_has_n_and_an_interval(reported: Path) -> None:
    document = json.loads((reported / "report.json").read_text())
    assert document["doubts"]
    for figures in document["levels"].values():
        for figure in figures.values():
            if figure["value"] is None:
                assert figure["reason"]
            else:
                assert figure["low"] <= figure["value"] + 1e-9
                assert figure["value"] <= figure["high"] + 1e-9
                assert figure["num_cases"] >= figure["num_patients"] > 0


def test_the_same_scores_give_the_same_report(reported: Path, tmp_path: Path) -> None:
    run("evaluate", "-", reported / "scores.csv", "--out", tmp_path / "again")
    for name in ("report.html", "report.json", "scores.csv", "figures/roc.svg"):
        assert (tmp_path / "again" / name).read_bytes() == (reported / name).read_bytes()


def test_tables_are_csv_too(reported: Path) -> None:
    with (reported / "tables" / "all-measures.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["measure", "patient level", "n", "slice level", "n"]
    assert (rows[1][0], rows[1][2], rows[1][4]) == ("AUC-ROC", "60", "120 (60)")


def test_parts_of_the_curve_are_those_that_were_asked_for(reported: Path) -> None:
    scores = reported / "scores.csv"
    whole = json.loads(run("evaluate", "-", scores, "--json", "--partial-auc", "fpr=0-1"))
    level = whole["levels"]["patient"]
    assert level["partial_auc:fpr=0-1"]["value"] == pytest.approx(level["auc"]["value"])
    assert level["partial_auc:fpr=0-1"]["low"] == pytest.approx(level["auc"]["low"])
    with (reported / "tables" / "parts-of-the-roc-curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["part of the curve"], row["level"]) for row in rows] == [
        ("false positive rate 0 to 0.1", "patient"),
        ("false positive rate 0 to 0.1", "slice"),
        ("sensitivity 0.9 to 1", "patient"),
        ("sensitivity 0.9 to 1", "slice"),
    ]
    assert [row["n"] for row in rows] == ["60", "120 (60)"] * 2


def test_a_bundle_on_a_table_of_local_studies_gives_pictures_of_its_errors(tmp_path: Path) -> None:
    bundle = screener(tmp_path / "bundle").bundle.folder
    cohort = tmp_path / "cohort"
    config = CohortConfig(pictures_each=2, num_slices=16, matrix=96)
    make_cohort(cohort, num_patients=6, seed=0, config=config)
    words = ["evaluate", bundle, cohort, "--dataset", "phantom", "--side", "external"]
    run(*words, "--out", tmp_path / "out", "--parquet", "--faithfulness", "3")
    table = load_scores(tmp_path / "out" / "scores.parquet")
    assert table.sides == ("external",)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Faithfulness of the explanations" in page
    assert "data:image/jpeg;base64," in page
    assert "Cut, picture, covid19" in page
    # The same from the scores: without the images no picture, with them the very same ones.
    again = ["evaluate", bundle, tmp_path / "out" / "scores.parquet", "--out"]
    run(*again, tmp_path / "bare")
    assert "data:image/jpeg;base64," not in (tmp_path / "bare" / "report.html").read_text()
    run(*again, tmp_path / "again", "--images", cohort, "--dataset", "phantom")
    shown = re.findall(r"data:image/jpeg;base64,[^\"]+", page)
    assert (
        re.findall(
            r"data:image/jpeg;base64,[^\"]+", (tmp_path / "again" / "report.html").read_text()
        )
        == shown
    )
    with pytest.raises(UsageError, match="--images goes with scores"):
        run(*words, "--images", cohort, "--json")
    with pytest.raises(UsageError, match="--images draws explanations"):
        run("evaluate", "--scores", again[2], "--images", cohort, "--json")


def test_cases_that_a_bundle_learned_from_are_called_so(tmp_path: Path) -> None:
    """The default bundle knows the patients it was made from: by case, or by site and patient."""
    config = CohortConfig(pictures_each=1, num_slices=16, matrix=96)
    made = make_cohort(tmp_path / "cohort", num_patients=4, seed=0, config=config)
    pictures = sorted(p for p in made.parent.rglob("*.png") if "mask" not in p.name)[:4]
    own = held_out_scores(find()).rows
    names = [(own[0].case, "p1", ""), ("new", own[1].patient, own[1].site)]
    names += [("other", "p3", ""), ("foreign", own[1].patient, "elsewhere")]
    lines = ["case,patient,site,label,file"]
    for number, ((case, patient, site), picture) in enumerate(zip(names, pictures, strict=True)):
        label = "covid19" if number % 2 else "neither"
        lines.append(f"{case},{patient},{site},{label},{picture.relative_to(tmp_path)}")
    listed = tmp_path / "local.csv"
    listed.write_text("\n".join(lines))
    table = scored_of(Job(data=listed))
    assert [doubt[:43] for doubt in table.doubts] == ["2 of 4 cases are of patients that the bundl"]


def test_a_list_of_cases_is_scored_and_a_bad_line_named(tmp_path: Path) -> None:
    bundle = screener(tmp_path / "bundle").bundle.folder
    config = CohortConfig(pictures_each=1, num_slices=16, matrix=96)
    made = make_cohort(tmp_path / "cohort", num_patients=4, seed=0, config=config)
    pictures = sorted(p for p in made.parent.rglob("*.png") if "mask" not in p.name)
    lines = ["case,patient,label,file,sex,age"]
    for number, picture in enumerate(pictures):
        label = "covid19" if number % 2 else "neither"
        name = picture.relative_to(tmp_path)
        lines.append(
            f"c{number},p{number},{label},{name},{'f' if number % 2 else 'm'},{40 + number}"
        )
    listed = tmp_path / "local.csv"
    listed.write_text("\n".join(lines))
    document = json.loads(run("evaluate", bundle, listed, "--json"))
    assert document["num_cases"] == len(pictures)
    listed.write_text("\n".join([*lines, "c9,,covid19,x.png,m,40"]))
    with pytest.raises(InputRejected, match=r"has no patient"):
        run("evaluate", bundle, listed, "--json")
    listed.write_text("\n".join(lines).replace(pictures[0].name, "gone.png"))
    with pytest.raises(InputRejected, match=r"line 2: .*gone.png is missing"):
        run("evaluate", bundle, listed, "--json")
    listed.write_text("\n".join([f"{lines[0]},mask", f"{lines[1]},", f"{lines[2]},drawn.png"]))
    with pytest.raises(InputRejected, match=r"line 3: drawn.png is missing"):
        run("evaluate", bundle, listed, "--json")


def test_an_audit_is_stamped_on_the_report_and_anything_else_refused(tmp_path: Path) -> None:
    scores = save_scores(table_of(normal_sample(0, size=20)), tmp_path / "made.csv")
    audit = tmp_path / "audit.json"
    audit.write_text('{"totals": {"leak": 2, "note": 1}}')
    document = json.loads(run("evaluate", "-", scores, "--audit", audit, "--json"))
    assert document["stamp"]["Audit of the split"].startswith("findings: leak 2, note 1; SHA-256")
    audit.write_text("[]")
    with pytest.raises(InputRejected, match=r"audit.json is no audit"):
        run("evaluate", "-", scores, "--audit", audit, "--json")


def test_the_default_bundle_reports_on_itself_what_its_model_card_says(tmp_path: Path) -> None:
    run("evaluate", "--out", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    (groups,) = (t for t in document["tables"] if t["title"] == "Subgroups (slice level)")
    (own,) = (row for row in groups["rows"] if row[:2] == ["site", "covid_ct"])
    bundle = find()
    assert f"| site covid_ct | 238 | 285 | 165 | {own[4]} |" in bundle.text("MODEL_CARD.md")
    assert document["bundle"]["digest"] == bundle.manifest.digest
    assert any("4 networks that never saw the patient" in doubt for doubt in document["doubts"])
    # scikit-learn's AUCs of COVID-CT and COVID-CT-MD, weighted by their pairs: 0.8055.
    assert "within one site 0.81 (slice level)" in document["verdict"]["title"]
    tables = {t["title"]: t["rows"] for t in document["tables"]}
    matrix = tables["Confusion matrix at the bundle's cut"]
    assert [row[0] for row in matrix[::2]] == ["patient level", "scan level", "slice level"]
    against = tables["Against each other label (patient level)"]
    assert [row[0] for row in against] == ["neither", "non covid19", "other pneumonia"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Made from scores alone" in page
    assert bundle.manifest.members[HELD_OUT].bytes < 250_000


def test_scores_take_the_place_of_data_and_need_no_bundle(tmp_path: Path) -> None:
    scores = save_scores(table_of(normal_sample(0, size=20)), tmp_path / "made.csv")
    document = json.loads(run("evaluate", "--scores", scores, "--json"))
    assert document["bundle"]["name"] == "made"
    with pytest.raises(UsageError, match="--scores takes the place of DATA"):
        run("evaluate", "-", scores, "--scores", scores, "--json")
    with pytest.raises(UsageError, match="nothing to evaluate"):
        run("evaluate", "-", "--json")


def test_slices_that_show_no_disease_are_negatives_and_their_patient_is_not(
    tmp_path: Path,
) -> None:
    table = table_of(normal_sample(0, size=40, each=2))
    ill = [row for row in table.rows if row.label == "covid19"]
    healthy = {row.case for row in ill[::2]}
    flagged = table.of(
        tuple(
            replace(row, truth={"infection": False}) if row.case in healthy else row
            for row in table.rows
        )
    )
    scores = save_scores(flagged, tmp_path / "made.csv")
    document = json.loads(run("evaluate", "--scores", scores, "--json"))
    slices, patients = (document["levels"][level]["sensitivity"] for level in ("slice", "patient"))
    assert slices["num_cases"] == len(ill) - len(healthy)
    assert patients["num_cases"] == len({row.patient for row in ill})
    assert any("at slice level they count as negative" in d for d in document["doubts"])


def test_comparing_prints_an_order_and_what_chance_may_have_done(tmp_path: Path) -> None:
    files = [
        save_scores(table_of(normal_sample(0, size=40), name=name), tmp_path / f"{name}.csv")
        for name in ("one", "two")
    ]
    printed = run("compare", *files)
    assert "not shown" in printed
    tables = json.loads(run("compare", *files, "--json"))
    assert tables[0]["title"] == "covid19, patient level"


def test_protocols_are_printed_and_written(tmp_path: Path) -> None:
    scores = save_scores(table_of(normal_sample(0, size=40)), tmp_path / "made.csv")
    printed = run("evaluate", "-", scores, "--protocol", "la-dnn", "--out", tmp_path / "out")
    assert "EfficientNet-b1" in printed
    assert (tmp_path / "out" / "figures" / "roc.svg").is_file()
    assert list((tmp_path / "out" / "tables").glob("*.csv"))


def test_checklists_are_csv_with_room_to_fill_in(reported: Path) -> None:
    for name, items in (("claim-2024", 44), ("tripod-ai", 52), ("stard-ai", 48)):
        with (reported / "checklists" / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == items
        assert {bool(row["answer"]) for row in rows} == {True, False}
