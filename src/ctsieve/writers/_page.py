"""What all pages share: templates, inline styles and scripts, and the digests that allow them."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "_templates"


@cache
def environment() -> Environment:
    """Templates that escape what they are given and fail on what they are not."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def text(name: str) -> str:
    """A file beside the templates: a style sheet or a script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def source_digest(source: str) -> str:
    """What a content security policy calls an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
