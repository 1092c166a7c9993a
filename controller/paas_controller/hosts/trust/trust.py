"""The parts of this room, put together for `app`."""

import asyncio
from dataclasses import dataclass

from paas_controller.base.clock import Clock
from paas_controller.base.crypto import Vault
from paas_controller.base.settings import Settings
from paas_controller.hosts.service import Hosts
from paas_controller.hosts.trust.contexts import Contexts
from paas_controller.hosts.trust.door import Listener
from paas_controller.hosts.trust.enrolment import Enrolment, Terms
from paas_controller.hosts.trust.guard import Guard
from paas_controller.hosts.trust.keeping import kept_authority
from paas_controller.hosts.trust.refusals import Refusals
from paas_controller.identity.service import Identity
from paas_controller.store.store import Store


@dataclass(frozen=True)
class Trust:
    """What connections are made with, who is let in, and who was not."""

    contexts: Contexts
    guard: Guard
    refusals: Refusals
    enrolment: Enrolment

    async def start(self, settings: Settings, vault: Vault, now: float) -> None:
        """Takes the CA of the data folder, or none where certificates to verify agents by were given. PaasError."""
        if not settings.ca_file:
            self.contexts.take(await asyncio.to_thread(kept_authority, settings.data_dir, vault, now))

    @property
    def listener(self) -> Listener:
        return Listener(self.contexts.serving, self.guard.refused)


def trust(settings: Settings, store: Store, hosts: Hosts, identity: Identity, vault: Vault, clock: Clock) -> Trust:
    """To be started before it is used."""
    contexts, refusals = Contexts(settings, clock), Refusals(clock)
    terms = Terms(contexts, settings.plain_http, settings.report_interval)
    return Trust(
        contexts,
        Guard(identity.authenticate, hosts, refusals, clock),
        refusals,
        Enrolment(store, hosts, identity, vault, clock, terms),
    )
