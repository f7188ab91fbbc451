"""How a service is set up: a TOML file and variables `CTSIEVE_SERVE_...`; unknown words are errors.

The command's options win over variables, and variables over the file.
"""

import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ctsieve.evaluation.noninferiority import Rule
from ctsieve.types.errors import UsageError
from ctsieve.web.oidc import OidcSettings

_PREFIX: Final = "CTSIEVE_SERVE_"


class ServeSettings(BaseSettings):
    """Everything a service can be told."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__"
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    home: Path = Path("ctsieve-serve")
    """Folder of uploads, studies and results; shared by all workers."""
    database: str | None = None
    """URL of a PostgreSQL database; SQLite files in `home` where None."""
    storage: str | None = None
    """URL that fsspec knows (s3://bucket/prefix) of studies, results, releases and bundles that
    all workers share; `home` itself where None."""
    certificate: Path | None = None
    """PEM; serve HTTPS."""
    key: Path | None = None
    allow_plain: bool = False
    """Listen beyond loopback without TLS: only behind a proxy that speaks TLS."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies that are believed about where somebody comes from and
    whether that was by TLS (X-Forwarded-For, X-Forwarded-Proto)."""
    workers: int = Field(default=1, ge=0)
    """Worker processes on this machine; 0 where `ctsieve worker` runs elsewhere."""
    threads: int | None = Field(default=None, ge=1)
    """Processor threads of one worker."""
    bundle: str | None = None
    max_upload_mb: int = Field(default=2048, ge=1)
    max_files: int = Field(default=20_000, ge=1)
    min_free_mb: int = Field(default=2048, ge=0)
    """Refuse uploads while the disk has less free space."""
    deidentify: bool = True
    """Remove identifying data by DICOM PS3.15 Basic Profile before anything is stored."""
    keep_days: float = Field(default=0.0, ge=0)
    """Delete studies with all that came of them after that; 0 keeps them."""
    auc_margin: float = Field(default=0.03, gt=0, lt=1)
    """A candidate is promoted if its AUC is shown to be worse by less than this."""
    call_margin: float = Field(default=0.10, gt=0, lt=1)
    """The same of its sensitivity and specificity at its own threshold."""
    least_patients: int = Field(default=40, ge=2)
    """Patients with and without the disease that the locked sets must have for it."""
    oidc: OidcSettings | None = None
    """Sign in by an institution's own accounts, too."""
    session_hours: float = Field(default=12.0, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        for proxy in self.proxies:
            ipaddress.ip_network(proxy)
        if not (self.is_loopback or self.certificate or self.allow_plain):
            raise ValueError(
                f"listening on {self.host!r} needs TLS: give certificate and key,"
                " or allow_plain behind a proxy that has them"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def rule(self) -> Rule:
        """When a candidate is not worse."""
        return Rule(
            auc_margin=self.auc_margin,
            call_margin=self.call_margin,
            least_patients=self.least_patients,
        )

    @property
    def max_upload_bytes(self) -> int:
        """Most bytes of one upload."""
        return self.max_upload_mb << 20


def load_settings(file: Path | None, **changes: object) -> ServeSettings:
    """Settings of a TOML file (defaults where None); `changes` that are not None win.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or impossible.
    """
    try:
        found = tomllib.loads(file.read_text("utf-8")) if file else {}
        given = {name: value for name, value in changes.items() if value is not None}
        # What is passed to a settings class wins over variables: so the file only fills the rest.
        unset = {k: v for k, v in found.items() if f"{_PREFIX}{k.upper()}" not in os.environ}
        return ServeSettings.model_validate({**unset, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise UsageError(f"{where}: {first['msg']}", hint="see docs/how-to/serve.md") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"the settings cannot be read: {error}", hint="give a TOML file"
        ) from error
