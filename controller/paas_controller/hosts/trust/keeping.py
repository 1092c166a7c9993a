"""Where the CA is kept: in ca.key, sealed with the controller's own key. ca.pem is its certificate, for people."""

from pathlib import Path

from paas_controller.base.clock import rfc3339
from paas_controller.base.crypto import Vault, write_secret
from paas_controller.base.errors import PaasError
from paas_controller.hosts.trust.authority import Authority, key_text

SEALED, SHOWN = "ca.key", "ca.pem"
_BOUNDARY = "-----BEGIN CERTIFICATE-----"
_ANEW = "move it away, so that a new one is made, and join every host again"


def kept_authority(folder: Path, vault: Vault, now: float) -> Authority:
    """The CA of this data folder, made where there is none. PaasError, with what to do, where it cannot be used."""
    file = folder / SEALED
    if not file.exists():
        vault.keep()
        made = Authority.made(now)
        write_secret(file, vault.seal(key_text(made.key) + made.text))
    key, boundary, certificate = vault.open(file.read_text()).partition(_BOUNDARY)
    try:
        authority = Authority.read(boundary + certificate, key)
    except ValueError as error:
        raise PaasError(f"{file} holds no CA ({error}); put it back from the backup, or {_ANEW}") from None
    if authority.ends <= now:
        raise PaasError(f"the CA in {file} ended on {rfc3339(authority.ends)}; {_ANEW}")
    write_secret(folder / SHOWN, authority.text)
    (folder / SHOWN).chmod(0o644)
    return authority
