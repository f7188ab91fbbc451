"""The audit's page and JSON: complete, self-contained, and text stays text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ctsieve.types.audit import AuditFinding, AuditReport, CountRow, CueResult, Twins
from ctsieve.types.errors import UsageError
from ctsieve.types.report import Figure
from ctsieve.writers._audit_html import audit_to_html, write_audit_html
from ctsieve.writers._audit_json import audit_to_json, write_audit_json

REPORT = AuditReport(
    data=("one", "two"),
    split="split s",
    digest="0123456789abcdef" * 4,
    sides={"train": (1200, 700), "test": (300, 200)},
    findings=(
        AuditFinding(
            code="patient-on-two-sides",
            gravity="leak",
            sentence="3 patients are on more than one side.",
            advice="Use `ctsieve data split`.",
            examples=("p1", "<script>alert(1)</script>"),
            number=3,
        ),
        AuditFinding(code="shortcut-source", gravity="trap", sentence="The source tells."),
        AuditFinding(code="mixed-sizes", gravity="note", sentence="Sizes are mixed."),
    ),
    cues=(
        CueResult(
            cue="source",
            title="The source",
            label="covid19",
            figure=Figure(value=0.91, low=0.85, high=0.95, num_cases=1500, num_patients=900),
            levels={"A & B": {"covid19": 5, "neither": 1}},
        ),
    ),
    twins=(
        Twins(
            one="a.png",
            other="b.png",
            sides=("train", "test"),
            labels=("covid19", "covid19"),
            likeness=0.97,
            turned="turned by 90 degrees",
            exact=False,
        ),
    ),
    counts=(
        CountRow(
            label="covid19", site="A", sex="", age="60-69", side="train", cases=1200, patients=700
        ),
    ),
    unreadable={"c.png": "a picture is damaged"},
    known_traps=("the table has one row a scan",),
    software="ctsieve 0",
)


def page(report: AuditReport = REPORT) -> str:
    return audit_to_html(report, pictures={"a.png": np.zeros((8, 8), np.uint8)})


def test_everything_found_is_on_the_page() -> None:
    text = page()
    for finding in REPORT.findings:
        assert finding.sentence in text
        assert finding.code in text
    for fact in ("1 leak, 1 trap", "0.91 (0.85 to 0.95)", "turned by 90 degrees", "1,200"):
        assert fact in text
    for fact in ("a picture is damaged", "the table has one row a scan", REPORT.notice):
        assert fact in text
    assert "<code>ctsieve data split</code>" in text


def test_text_is_text_and_nothing_is_fetched() -> None:
    text = page()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "A &amp; B" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    policy = re.search(r"style-src '(sha256-[^']+)'", text)
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].replace("&#43;", "+").replace("&#34;", '"') == f"sha256-{digest}"


@pytest.mark.parametrize(
    ("gravities", "split", "headline"),
    [
        (("trap", "trap"), "s", "No leak, 2 traps"),
        ((), "s", "No leak, no trap"),
        (("trap",), "", "1 trap"),
        ((), "", "No trap found"),
    ],
)
def test_the_headline_says_the_worst(gravities: tuple[str, ...], split: str, headline: str) -> None:
    findings = tuple(f for g in gravities for f in REPORT.findings if f.gravity == g)
    assert f">{headline}</h1>" in page(replace(REPORT, findings=findings, split=split))


def test_an_empty_report_is_a_page_too() -> None:
    bare = AuditReport(
        data=("x",),
        split="",
        digest="0" * 64,
        sides={"all": (1, 1)},
        findings=(),
        cues=(),
        twins=(),
        counts=REPORT.counts,
    )
    assert "give a split file" in page(bare)


def test_json_holds_the_report_with_its_version() -> None:
    plain = json.loads(audit_to_json(REPORT))
    assert plain["schema_version"] == "1.0"
    assert plain["totals"] == {"leak": 1, "trap": 1, "note": 1}
    assert plain["sides"]["train"] == {"cases": 1200, "patients": 700}
    assert plain["cues"][0]["figure"]["low"] == 0.85
    assert plain["findings"][0]["examples"][1] == "<script>alert(1)</script>"
    fields = re.findall(r"^\| `([a-z_]+)`", documentation(), re.MULTILINE)
    assert set(plain) <= set(fields)


def documentation() -> str:
    root = Path(__file__).parents[2]
    return (root / "docs" / "reference" / "audit.md").read_text(encoding="utf-8")


def test_files_are_written_whole_or_refused(tmp_path: Path) -> None:
    (page_file,) = write_audit_html(REPORT, tmp_path / "out")
    (json_file,) = write_audit_json(REPORT, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {page_file.name, json_file.name}
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write"):
        write_audit_json(REPORT, tmp_path / "file")
