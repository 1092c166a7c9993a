"""The parts of this room, put together for `app`."""

from concurrent.futures import ThreadPoolExecutor

from paas_controller.base.addresses import is_loopback
from paas_controller.base.settings import Settings
from paas_controller.hosts.bootstrap.keeping import Keeping
from paas_controller.hosts.bootstrap.means import Means
from paas_controller.hosts.bootstrap.service import Bootstraps
from paas_controller.hosts.bootstrap.ssh import Session
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.trust import Trust
from paas_controller.identity.service import Identity


def bootstraps(settings: Settings, hosts: Hosts, keeping: Keeping, identity: Identity, known: Trust) -> Bootstraps:
    """To be started before it is used."""

    async def join_token() -> str:
        token, _ = await identity.new_join_token()
        pinned = known.contexts.pinned
        return f"{token}.{pinned.fingerprint}" if pinned else token

    address, port = settings.operator_address
    where = f"[{address}]" if ":" in address else address
    means = Means(
        open=Session,
        pool=ThreadPoolExecutor(settings.bootstraps, thread_name_prefix="ssh"),
        packages=settings.packages_dir,
        controller=f"{'https' if settings.serves_tls else 'http'}://{where}:{port}",
        loopback=is_loopback(address),
        plain_http=settings.plain_http,
        join_token=join_token,
    )
    return Bootstraps(hosts, keeping, means, settings.bootstraps)
