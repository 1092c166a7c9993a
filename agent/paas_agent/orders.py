"""An order from its bytes: what is read, what is refused, and what the scripts see of it."""

import re

import msgspec

from paas_agent.contract import LIMITS, MAX_VALUE, RESERVED_ENVIRONMENT, VARIABLE, Order, secrets_of
from paas_agent.errors import Refused

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_FILE = re.compile(r"[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,254}")
_VARIABLE = re.compile(VARIABLE)
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")
_PROGRAM_OWN = frozenset({"REPO_URL", "PACKAGE"})  # copies the controller sends along; the order's own keys count
_SCRIPTS = ("install", "start", "stop", "check", "uninstall")
_DECODER = msgspec.json.Decoder(Order)


def parse(body: bytes) -> Order:
    """The order in a request's body; Refused (400) names what is wrong and where."""
    try:
        order = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "malformed", _located(body, str(error))) from None
    except RecursionError:
        raise Refused(400, "malformed", "the body is nested too deeply") from None
    order.metadata = {
        name: value for name, value in order.metadata.items() if not name.startswith("//") and name not in _PROGRAM_OWN
    }
    _validate(order)
    return order


def environment(order: Order, action: str, instance_dir: str, package_file: str = "") -> dict[str, str]:
    """The whole environment of a script. HOSTS is a list parted by spaces."""
    own = {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "HOME": instance_dir,
        "REPO_URL": order.repo_url,
        "PACKAGE": order.package,
        "INSTANCE_NAME": order.name,
        "INSTANCE_KIND": order.type,
        "INSTANCE_DIR": instance_dir,
        "ACTION": action,
        "HOST_IP": order.host_ip,
        "HOSTS": " ".join(order.hosts),
        "HOST_INDEX": str(order.host_index),
    }
    if package_file:
        own["PACKAGE_FILE"] = package_file
    return {**order.metadata, **own}


def mask(text: str, order: Order) -> str:
    """The text with every secret of the order replaced by asterisks."""
    for secret in secrets_of(order.metadata):
        text = text.replace(secret, "*" * len(secret))
    return text


def as_text(text: str) -> str:
    """What UTF-8 can hold of a text from elsewhere: half a character, as JSON can name one, is a question mark."""
    return text.encode(errors="replace").decode()


def _validate(order: Order) -> None:
    if not _NAME.fullmatch(order.name):
        raise _invalid("name: letters, digits, '.', '_' and '-', at most 128, beginning with a letter or digit")
    if order.operation_id and not _NAME.fullmatch(order.operation_id):
        raise _invalid("operation_id: letters, digits, '.', '_' and '-', at most 128")
    if not _URL.fullmatch(order.repo_url):
        raise _invalid("repo_url: an http or https address")
    for field in _SCRIPTS:
        _validate_file(field, getattr(order, field))
    for field in ("restart", "package"):
        if getattr(order, field):
            _validate_file(field, getattr(order, field))
    for name, value in order.metadata.items():
        _validate_variable(name, value)
    for text in (order.host_ip, *order.hosts):
        if "\0" in text:
            raise _invalid("hosts: no NUL character is allowed")
    _validate_numbers(order)


def _validate_file(field: str, name: str) -> None:
    if not _FILE.fullmatch(name):
        raise _invalid(f"{field}: the name of a file, without '/' and not beginning with '.'")


def _validate_variable(name: str, value: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise _invalid(f"metadata: {name[:80]!r} is not the name of an environment variable")
    if name in RESERVED_ENVIRONMENT or name.startswith("LD_"):
        raise _invalid(f"metadata: {name[:80]} is set by the agent itself and must not be given")
    if "\0" in value:
        raise _invalid(f"metadata: the value of {name[:80]} holds a NUL character")
    if len(value) > MAX_VALUE:
        raise _invalid(f"metadata: the value of {name[:80]} is longer than {MAX_VALUE} characters")


def _validate_numbers(order: Order) -> None:
    for field, (least, most) in LIMITS.items():
        if not least <= getattr(order, field) <= most:
            raise _invalid(f"{field}: seconds from {least} to {most}")
    if order.check_fall < 1 or order.check_rise < 1:
        raise _invalid("check_fall and check_rise: at least 1")


def _invalid(message: str) -> Refused:
    return Refused(400, "invalid", message)


def _located(body: bytes, message: str) -> str:
    found = re.search(r"\(byte (\d+)\)", message)
    if found is None:
        return f"the body is not JSON: {message}"
    before = body[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"the body is not JSON: line {line}, column {column}: {message[: found.start()].strip()}"
