"""Where paasctl finds the controller, and its token: the environment before the TOML file before the defaults."""

import re
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_FILE = Path("~/.config/paasctl.toml")
DEFAULT_URL = "http://127.0.0.1:3334"
_KEYS = ("url", "token", "ca_file")


class BadSetting(Exception):
    """A sentence for the person who set it. It never holds a token."""


@dataclass(frozen=True)
class Settings:
    """`ca_file` names certificates (PEM) by which the controller is known, empty for the system's. `warning` is a
    sentence for the person, where the file deserves one."""

    url: str = DEFAULT_URL
    token: str = ""
    ca_file: str = ""
    warning: str = ""


def load(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings. A file that was named must be there; the default one may be missing. Raises BadSetting."""
    path = (config or DEFAULT_FILE).expanduser()
    settings = _from_file(path) if config or path.exists() else Settings()
    given = {key: value for key in _KEYS if (value := environment.get(f"PAAS_{key.upper()}", "").strip())}
    settings = replace(settings, **given)
    _look_at(settings)
    return settings


def _from_file(path: Path) -> Settings:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        open_to_others = path.stat().st_mode & 0o077
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadSetting(f"{path} is not TOML: {error}") from None
    for key, value in found.items():
        if key not in _KEYS:
            raise BadSetting(f"{path}: {key} is no setting; {', '.join(_KEYS[:-1])} and {_KEYS[-1]} are")
        if not isinstance(value, str):
            raise BadSetting(f"{path}: {key} is a text in quotes")
    warn = "token" in found and open_to_others
    settings = Settings(warning=f"others can read the token in {path}: chmod 600 {path}" if warn else "")
    return replace(settings, **{key: value.strip() for key, value in found.items()})


def _look_at(settings: Settings) -> None:
    try:
        parts = urlsplit(settings.url)
        sound = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadSetting("the url is no http://HOST:PORT; set PAAS_URL, or url in the configuration file")
    try:
        if settings.ca_file:
            ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:  # SSLError is one
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadSetting(f"ca_file {settings.ca_file} cannot be used: {why}; set PAAS_CA_FILE") from None
    if not re.fullmatch(r"[\x21-\x7e]*", settings.token):
        raise BadSetting("the token holds characters that no token has; set PAAS_TOKEN anew")
