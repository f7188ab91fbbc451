"""Cases that two people read: what releases are made of."""

import io
import time
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from tests.screened import phantom_picture
from tests.web.serving import Person

LOOKED = {"pixels_name_nobody": True}
"""What must be said of pictures."""
FINAL = ("done", "rejected", "failed")


def pictures(kinds: Sequence[str], *, first: int = 0) -> dict[str, bytes]:
    """PNG pictures of phantoms, no two alike, each with a text that names somebody."""
    made = {}
    for number, kind in enumerate(kinds, start=first):
        values = np.rint(phantom_picture(kind).values[0] * 255).astype(np.uint8)
        values[0, :8] = [(number >> bit & 1) for bit in range(8)]
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x010E] = "of DOE^JANE"
        Image.fromarray(values).save(file, "PNG", exif=exif)
        made[f"{number}.png"] = file.getvalue()
    return made


def judged(person: Person, ids: Sequence[str]) -> None:
    """Wait until studies are settled; all of them must have been judged."""
    end = time.monotonic() + 240
    waiting = set(ids)
    while waiting:
        assert time.monotonic() < end, waiting
        time.sleep(0.3)
        items = person.client.get("studies?limit=500").json()["items"]
        states = {item["id"]: item for item in items if item["id"] in waiting}
        waiting -= {i for i, item in states.items() if item["status"] in FINAL}
        assert all(s["status"] != "failed" for s in states.values()), states


def contributed(person: Person, study: str, label: str, patient: str = "", **more: object) -> str:
    """The id of a contributed case."""
    given = {"study": study, "consent": True, "label": label, "patient": patient, **LOOKED, **more}
    answer = person.client.post("contributions", json=given)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def reviewed(person: Person, case: str, label: str, **more: object) -> str:
    """The status of a case after a second reading that gives `label`."""
    reading = {"label": label, **more}
    answer = person.client.post(f"contributions/{case}/reviews", json=reading)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["status"])


def accepted(
    giver: Person, reader: Person, studies: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Cases that both read alike, by study; `studies` has a label and a patient for each."""
    cases = {}
    for study, (label, patient) in studies.items():
        cases[study] = contributed(giver, study, label, patient)
        assert reviewed(reader, cases[study], label) == "accepted"
    return cases
