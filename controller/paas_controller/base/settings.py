"""The controller's settings, and what they may be."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from paas_controller.base.addresses import is_loopback, is_unspecified, split_address
from paas_controller.base.clusters import ClusterSettings, all_different, listed

_SQLITE = "sqlite:///"


class Settings(BaseModel):
    """Every setting of the controller; unknown ones are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    listen: str = Field("127.0.0.1:3334", description="HOST:PORT to listen on")
    advertise: str = Field("", description="HOST:PORT at which agents reach this controller")
    data_dir: Path = Field(Path("/var/lib/paas-controller"), description="database, keys, admin.token")
    database_url: str = Field(
        "",
        repr=False,
        description="postgresql://USER@HOST/DATABASE or sqlite:///FILE; empty: controller.db in the data folder",
    )
    no_auth: bool = Field(False, description="answer everybody as administrator; loopback only")
    time_zone: str = Field("", description="zone of days and CreateAt, as in Asia/Shanghai; empty means the system's")
    report_interval: float = Field(5.0, gt=0, le=300, description="seconds between two reports of an agent")
    repo_dir: Path | None = Field(None, description="folder served at /repo/")
    repo_open: bool = Field(False, description="serve /repo/ without a token")
    agent_packages: Path | None = Field(
        None, description="folder with the agent's packages; empty: paas-agent in --repo-dir, or beside it"
    )
    bootstraps: int = Field(20, ge=1, le=200, description="hosts on which the agent is installed over SSH at once")
    forget_credentials: bool = Field(False, description="remove SSH credentials of a host once its agent has reported")
    plain_http: bool = Field(False, description="no TLS off loopback, neither served nor asked of agents")
    tls_certificate: Path | None = Field(
        None, description="certificate chain (PEM) to serve with; empty: of our own CA"
    )
    tls_key: Path | None = Field(None, description="its private key (PEM), if it is in a file of its own")
    ca_file: Path | None = Field(None, description="certificates (PEM) to verify agents by, instead of a CA of our own")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    clusters: Annotated[tuple[ClusterSettings, ...], BeforeValidator(listed), AfterValidator(all_different)] = Field(
        (), description="Kubernetes clusters: [[clusters]] in the file, JSON in the environment"
    )
    free_units: int = Field(5, ge=1, description="memory units that an app on the free plan may have at most")
    free_ports: int = Field(3, ge=0, description="ports that an app on the free plan may have at most")

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("advertise")
    @classmethod
    def _advertise(cls, value: str) -> str:
        if value and is_unspecified(split_address(value)[0]):
            raise ValueError(f"{value} is a wildcard; name an address that agents can reach")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
            raise ValueError(f"no time zone is called {value!r}") from None
        return value

    @field_validator("repo_dir", "agent_packages", "tls_certificate", "tls_key", "ca_file", mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        return None if value == "" else value  # as a path it would be the working folder

    @field_validator("data_dir", mode="before")
    @classmethod
    def _data(cls, value: object) -> object:
        if value == "":
            raise ValueError("name a folder; an empty one would be the working folder")
        return value

    @field_validator("data_dir")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        for part in (value, *value.parents):
            if part.is_file():
                raise ValueError(f"{part} is a file; name a folder, which is made where there is none")
        return value

    @field_validator("tls_certificate", "tls_key", "ca_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        try:
            if value is not None:
                value.open("rb").close()
        except OSError as error:
            raise ValueError(f"{value} cannot be read: {error.strerror}") from None
        return value

    @field_validator("repo_dir")
    @classmethod
    def _repo(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder; make it with make repo, or leave --repo-dir")
        return value

    @field_validator("agent_packages")
    @classmethod
    def _packages(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder; make it with make package, or leave --agent-packages")
        return value

    @field_validator("database_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not value.startswith((_SQLITE, "postgresql://")):
            raise ValueError("give postgresql://USER@HOST/DATABASE or sqlite:///FILE")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        host = split_address(self.listen)[0]
        if self.no_auth and not self.only_here:
            raise ValueError(f"--no-auth is for loopback only, and {self.listen} is not; leave one of the two")
        if self.tls_key and not self.tls_certificate:
            raise ValueError("--tls-key without --tls-certificate encrypts nothing; name both, or neither")
        if is_unspecified(host) and not self.advertise:
            raise ValueError(f"listening on {self.listen}, agents need --advertise HOST:PORT to find this controller")
        if self.ca_file and self.serves_tls and not self.tls_certificate:
            raise ValueError("with --ca-file there is no CA of our own: give --tls-certificate as well, or leave it")
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.repo_dir:
            repo, data = self.repo_dir.resolve(), self.data_dir.resolve()
            if repo.is_relative_to(data) or data.is_relative_to(repo):
                told = f"--repo-dir {self.repo_dir} and the data folder {self.data_dir} lie in one another"
                raise ValueError(f"{told}, and keys would be served with the scripts; give each a folder of its own")
            if self.database_url.startswith(_SQLITE) and self._file.is_relative_to(repo):
                told = f"the file of --database-url, {self._file}, lies in --repo-dir {self.repo_dir}"
                raise ValueError(f"{told}, and would be served with the scripts; name one outside of it")
        return self

    @property
    def _file(self) -> Path:
        """Of an SQLite database."""
        return Path(self.database_url.removeprefix(_SQLITE).partition("?")[0]).resolve()

    @model_validator(mode="after")
    def _pem(self) -> Self:
        key = f" and --tls-key {self.tls_key}" if self.tls_key else ""
        about: list[tuple[Callable[[], object], str, str]] = [
            (self.server_tls, f"--tls-certificate {self.tls_certificate}{key}", "a chain, and its own private key")
        ]
        if self.ca_file:
            about.append((self.client_tls, f"--ca-file {self.ca_file}", "certificates"))
        for use, named, wanted in about:
            try:
                use()
            except ssl.SSLError as error:
                why = f" ({error.reason})" if error.reason else ""
                raise ValueError(f"{named} cannot be used{why}: give {wanted}, in PEM") from None
        return self

    def server_tls(self) -> ssl.SSLContext | None:
        """What to serve with where it was given, else None. Raises OSError where a file cannot be used."""
        if self.tls_certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.tls_certificate, self.tls_key)
        return context

    def client_tls(self) -> ssl.SSLContext:
        """What to verify agents by. Raises OSError where the file cannot be used."""
        return ssl.create_default_context(cafile=self.ca_file)

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'controller.db'}"

    @property
    def packages_dir(self) -> Path | None:
        """Where the agent's packages are looked for; it need not be there."""
        if self.agent_packages or not self.repo_dir:
            return self.agent_packages
        within = self.repo_dir / "paas-agent"
        return within if within.is_dir() else self.repo_dir.parent / "paas-agent"

    @property
    def serves_tls(self) -> bool:
        """Whether HTTPS is served: always with a certificate that was given, else wherever it leaves this machine."""
        return self.tls_certificate is not None or not (self.plain_http or self.only_here)

    @property
    def only_here(self) -> bool:
        """Whether nothing but this machine reaches the socket."""
        return is_loopback(split_address(self.listen)[0])

    @property
    def names(self) -> list[str]:
        """Addresses and names by which people may reach this controller."""
        hosts = [split_address(address)[0] for address in (self.listen, self.advertise or self.listen)]
        here = ["localhost", "127.0.0.1", "::1", socket.gethostname()]
        return [host for host in (*hosts, *here) if not is_unspecified(host)]

    @property
    def operator_address(self) -> tuple[str, int]:
        return split_address(self.advertise or self.listen)
