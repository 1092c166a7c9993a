"""What comes in and goes out of the registry."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


def _address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        # All digits and dots would be an address that is wrong, not a name.
        if not _NAME.fullmatch(value) or len(value) > 253 or re.fullmatch(r"[\d.]+", value):
            raise ValueError(f"{value!r} is neither an IP address nor a host name") from None
    return value


Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class HostBody(BaseModel):
    """POST /hosts."""

    model_config = ConfigDict(extra="forbid")

    ip: Address
    agent_port: Port = 3335
    ssh_port: Port = 22
