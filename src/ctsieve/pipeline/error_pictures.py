"""Wrong calls as pictures: the slice that decided most, plain and beside its explanation."""

import io
from collections.abc import Mapping

from PIL import Image

from ctsieve.evaluation.page import Picture
from ctsieve.evaluation.summary import WrongCall
from ctsieve.pipeline.score import screen_case
from ctsieve.pipeline.screen import Screener
from ctsieve.types.cases import Case
from ctsieve.types.errors import CtsieveError
from ctsieve.types.results import Screening
from ctsieve.writers import png
from ctsieve.writers._pictures import picture_uri

LONGEST = 420
"""Longest side of each of the two pictures, in pixels."""
ALIKE = 0.005
"""Probabilities that differ by less are shown as one."""


def error_picture(
    call: WrongCall, cases: Mapping[str, Case], screener: Screener | None, *, positive: str
) -> Picture:
    """A wrong call with what is known of its case, and its picture where the image is at hand."""
    known = {name: "yes" if value else "no" for name, value in call.row.truth.items()}
    facts = ", ".join(f"{name} {value}" for name, value in {**known, **call.row.facts}.items())
    case = cases.get(call.row.case)
    if screener is None or case is None:
        return Picture(call=call, uri="", facts=facts)
    try:
        screening = screen_case(screener, case)
    except CtsieveError:
        # It was scored once; a page without one picture is better than no page.
        return Picture(call=call, uri="", facts=facts)
    uri = _uri(png.decisive_slice(screening, longest=LONGEST))
    return Picture(call=call, uri=uri, facts=facts, words=_words(screening, call, positive))


def _words(screening: Screening, call: WrongCall, positive: str) -> str:
    words = png.decisive_words(screening)
    says = screening.prediction.probability.get(positive)
    if says is not None and abs(says - call.row.scores[positive]) > ALIKE:
        # Held-out scores are of one network; the bundle that draws the picture is the mean of all.
        words.append(f"The bundle as shipped says {says:.2f}")
    return ". ".join(words)


def _uri(picture: Image.Image) -> str:
    with io.BytesIO() as buffer:
        picture.save(buffer, "JPEG", quality=88)
        return picture_uri("image/jpeg", buffer.getvalue())
