"""Words of a command line become settings, or a sentence that says which word is wrong."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ctsieve.learning.views import PrepareSettings
from ctsieve.types.errors import UsageError
from ctsieve.types.recipe import InputSpec

SHARES_HINT = "write train=0.7,tune=0.15,test=0.15"
ROUNDING = 1e-6


def prepare_settings(
    *, size: int, crop: str, margin: float, windows: Sequence[str], slices: str, box: bool
) -> PrepareSettings:
    """Settings of a preparation; without windows the usual lung window.

    Raises:
        UsageError: a word means nothing.

    Example:
        >>> made = prepare_settings(
        ...     size=64, crop="body", margin=0.0, windows=["40,400"], slices="all", box=False
        ... )
        >>> made.windows[0].width
        400.0
    """
    plain: dict[str, Any] = {
        "input": {"size": (size, size), "crop": crop, "margin": margin},
        "windows": [_window(text) for text in windows] or [InputSpec().window.model_dump()],
        "slices": slices,
        "box": box,
    }
    plain["input"]["window"] = plain["windows"][0]
    try:
        return PrepareSettings.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{first['loc'][-1]}: {first['msg']}, got {first['input']!r}") from error


def _window(text: str) -> dict[str, float]:
    try:
        centre, width = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{text!r} is no window", hint="write --window -600,1500") from error
    return {"centre": centre, "width": width}


def shares_of(text: str) -> tuple[tuple[str, float], ...]:
    """Sides and shares from "train=0.7,tune=0.3".

    Raises:
        UsageError: it cannot be read so.

    Example:
        >>> shares_of("train=0.7,tune=0.3")
        (('train', 0.7), ('tune', 0.3))
    """
    try:
        pairs = [(side.strip(), float(share)) for side, share in map(_halves, text.split(","))]
    except ValueError as error:
        raise UsageError(f"{text!r} are no shares", hint=SHARES_HINT) from error
    shares = [share for _, share in pairs]
    if min(shares) > 0.0 and abs(sum(shares) - 1.0) > ROUNDING:
        raise UsageError(f"the shares {text!r} do not add up to 1", hint=SHARES_HINT)
    return tuple(pairs)


def _halves(text: str) -> tuple[str, str]:
    side, share = text.split("=")
    return side, share
