"""Settings from a TOML file, with single values overridden by name."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ctsieve.types.errors import UsageError

UNKNOWN = "there is no such setting"
Model = TypeVar("Model", bound=BaseModel)


def read_settings(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A TOML file's values; each override is `section.key=value`, the value as TOML or as text.

    Raises:
        UsageError: the file is no TOML, or an override names no setting.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be read: {error.strerror or error}",
            hint="give a TOML file such as those in configs/",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is no TOML: {error}", hint="see configs/") from error
    for override in overrides:
        _override(values, override)
    return values


def checked(model: type[Model], values: Mapping[str, Any], *, below: str = "") -> Model:
    """The values as `model`; `below` is the section that they stand in.

    Raises:
        UsageError: a key or value does not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([*([below] if below else []), *(str(part) for part in first["loc"])])
        said = UNKNOWN if first["type"] == "extra_forbidden" else first["msg"]
        raise UsageError(
            f"{place}: {said.removeprefix('Value error, ')}",
            hint="`ctsieve fit --show` prints all settings",
        ) from error


def _override(values: dict[str, Any], override: str) -> None:
    key, found, text = override.partition("=")
    if not found or not key:
        raise UsageError(f"{override!r} gives no value", hint="write section.key=value")
    *sections, leaf = key.strip().split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise UsageError(f"{section!r} in {override!r} is a value, not a section")
        values = inner
    values[leaf] = _value(text.strip())


def _value(text: str) -> object:
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value
