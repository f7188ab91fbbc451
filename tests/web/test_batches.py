"""Pictures that come together, and the models that judge them."""

import io
from pathlib import Path

from PIL import Image
from tests.web.serving import admin_of, serving


def _picture(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (64, 64), grey).save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_are_a_batch_and_the_answer_says_which_file_each_is(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        admin = admin_of(service)
        sent = {"lung 10.png": _picture(90), "lung 9.png": _picture(80)}
        told = admin.upload_told(sent, kind="pictures")
        assert [study["file"] for study in told["studies"]] == [1, 0]  # as the numbers go
        ids = [study["id"] for study in told["studies"]]
        batch = admin.client.get(f"batches/{told['batch']}").json()
        assert [study["id"] for study in batch["studies"]] == ids
        again = admin.upload_told({"other.png": _picture(70), **sent}, kind="pictures")
        both = admin.client.get(f"batches/{again['batch']}").json()["studies"]
        assert [study["id"] for study in both][:2] == ids  # known, and still of this batch too
        assert len(both) == 3
        table = admin.client.get(f"batches/{told['batch']}.csv").text.splitlines()
        assert table[0].startswith("id,")
        assert [line.split(",")[0] for line in table[1:]] == ids


def test_model_cards_are_html(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        (tiny,) = [b for b in admin_of(service).client.get("bundles").json() if b["current"]]
        assert tiny["card_html"].startswith("<h1>tiny</h1>")
