"""How a node is set up: one TOML file, read once; every unknown word is an error."""

import ipaddress
import tomllib
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ctsieve.types.errors import UsageError

_STRICT: Final = ConfigDict(frozen=True, extra="forbid")
DIMSE_SCHEMES: Final = ("dicom", "dicoms")
WEB_SCHEMES: Final = ("http", "https")
NAME: Final = r"^[a-z0-9][a-z0-9-]{0,31}$"


class Tls(BaseModel):
    """Certificates, as PEM files."""

    model_config = _STRICT

    certificate: Path | None = None
    """Our own, to be shown to the other side."""
    key: Path | None = None
    authorities: Path | None = None
    """Who may vouch for the other side; the system's authorities where None."""


class Peer(BaseModel):
    """Another application entity, by DICOM or DICOMweb.

    Its `address` is `dicom://AET@host:port`, `dicoms://AET@host:port` with TLS, or the root of a
    DICOMweb service, `https://host/dicom-web`.
    """

    model_config = _STRICT

    address: str
    user: str = ""
    password_variable: str = ""
    """Name of the environment variable that holds the password, or the token where no `user`."""
    tls: Tls = Tls()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        parts = urlsplit(self.address)
        if parts.scheme in DIMSE_SCHEMES and parts.username and parts.hostname and parts.port:
            return self
        if parts.scheme in WEB_SCHEMES and parts.hostname:
            return self
        raise ValueError(f"{self.address!r} is neither dicom://AET@host:port nor https://...")

    @property
    def is_web(self) -> bool:
        """Whether it speaks DICOMweb."""
        return urlsplit(self.address).scheme in WEB_SCHEMES


class Pull(BaseModel):
    """Ask a DICOMweb peer for new chest CT instead of waiting for it."""

    model_config = _STRICT

    peer: str
    every_seconds: float = Field(default=60.0, gt=0)
    days: int = Field(default=1, ge=0)
    """Studies of today, wherever on earth that is, and so many days before."""
    body_parts: tuple[str, ...] = ("CHEST", "THORAX", "LUNG", "")
    """Body Part Examined of series to fetch; the empty text for series that do not say."""


class NodeSettings(BaseModel):
    """Everything a node can be told."""

    model_config = _STRICT

    ae_title: str = Field(default="CTSIEVE", min_length=1, max_length=16)
    host: str = "127.0.0.1"
    port: int = Field(default=11112, ge=0, le=65535)
    home: Path = Path("ctsieve-node")
    """Folder of received studies, jobs and results."""
    senders: tuple[str, ...] = ()
    """Calling AE titles that may send; empty: all (on loopback only)."""
    hosts: tuple[str, ...] = ()
    """IP addresses or networks that may connect; empty: all."""
    tls: Tls | None = None
    """Listen with TLS; with `authorities`, senders must show a certificate."""
    max_associations: int = Field(default=10, ge=1)
    max_object_mb: int = Field(default=1024, ge=1)
    min_free_mb: int = Field(default=2048, ge=0)
    """Refuse instances while the disk has less free space."""
    journal_mb: int = Field(default=512, ge=0)
    """Of disk, for what was just received; 0: every instance is a file at once, more slowly."""
    quiet_seconds: float = Field(default=30.0, gt=0)
    """A study of which nothing came for so long is complete."""
    keep_hours: float = Field(default=24.0, ge=0)
    """Images of settled studies are removed after that; results stay."""
    bundle: str | None = None
    formats: tuple[str, ...] = ()
    """Result formats; JSON and every plain DICOM format where empty."""
    threads: int | None = Field(default=None, ge=1)
    database: str | None = None
    """URL of a PostgreSQL database for the jobs; SQLite in `home` where None."""
    worker: str = Field(default="local", pattern=NAME)
    peers: dict[str, Peer] = Field(default_factory=dict)
    send_to: tuple[str, ...] = ()
    """Names of peers that get the results."""
    shadow: bool = False
    """Screen and log, send nothing."""
    pull: Pull | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pulled = (self.pull.peer,) if self.pull else ()
        for name in (*self.send_to, *pulled):
            if name not in self.peers:
                raise ValueError(f"there is no peer {name!r}")
        if self.pull and not self.peers[self.pull.peer].is_web:
            raise ValueError("only a DICOMweb peer can be polled")
        if not (self.senders or _is_loopback(self.host)):
            raise ValueError(
                f"listening on {self.host!r} needs `senders`: the AE titles that may send"
            )
        for host in self.hosts:
            ipaddress.ip_network(host)
        return self


def load_settings(file: Path | None, **changes: object) -> NodeSettings:
    """Settings of a TOML file (defaults where None); `changes` that are not None win.

    Raises:
        UsageError: the file cannot be read, or a setting is unknown or impossible.
    """
    try:
        found = tomllib.loads(file.read_text("utf-8")) if file else {}
        given = {name: value for name, value in changes.items() if value is not None}
        return NodeSettings.model_validate({**found, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "settings"
        raise UsageError(
            f"{where}: {first['msg']}", hint="see docs/how-to/hospital-node.md"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"the settings cannot be read: {error}", hint="give a TOML file"
        ) from error


def peer_at(address: str) -> Peer:
    """The peer at an address, without credentials.

    Raises:
        UsageError: it is no address of a peer.
    """
    try:
        return Peer(address=address)
    except ValidationError as error:
        raise UsageError(
            f"{address!r} is no address of a peer",
            hint="dicom://AET@host:port, dicoms://AET@host:port or https://host/path",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
