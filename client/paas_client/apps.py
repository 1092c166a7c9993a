"""Apps on Kubernetes: pools of memory, and the instances that share them."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from paas_client.app_models import AppInstance, AppKind, Happening, KubeApp, Pod, Usage
from paas_client.change import Change, read
from paas_client.models import AnswerT, Page, Told
from paas_client.transport import API1, Call, Query, Transport

Wish = Literal["running", "stopped", "restart"]
_PAGE = 500


@dataclass(frozen=True)
class Apps:
    """The apps of one kind."""

    transport: Transport
    kind: AppKind

    def create(
        self, name: str, memory_units: int, *, max_ports: int | None = None, plan: str = "", tenant: str = "",
        cluster: str = "",
    ) -> Change[KubeApp]:  # fmt: skip
        """What is not given is as the controller has it. Conflict where the name is taken."""
        body: dict[str, Any] = {"name": name, "memory_units": memory_units}
        body |= {key: word for key, word in (("plan", plan), ("tenant", tenant), ("cluster", cluster)) if word}
        body |= {} if max_ports is None else {"max_ports": max_ports}
        return Change(self.transport, self._call("POST", body=body), KubeApp.model_validate_json)

    async def all(self) -> list[KubeApp]:
        """By name; of a tenant's token those of that tenant."""
        return await _every(KubeApp, self.transport, self._call("GET"))

    async def get(self, name: str) -> KubeApp:
        return read(KubeApp.model_validate_json, await self._get(name))

    async def usage(self, name: str) -> Usage:
        """Who takes what of its pool, and its ports."""
        return read(Usage.model_validate_json, await self._get(name, "usage"))

    def change(self, name: str, **values: str | int) -> Change[KubeApp]:
        """`memory_units`, `max_ports`, `plan`. Conflict where it would be less than what is in use."""
        return Change(self.transport, self._call("PATCH", name, body=values), KubeApp.model_validate_json)

    def delete(self, name: str, *, orphan: bool = False) -> Change[Told]:
        """With all that is in it; the answer says whether it is gone, or on what that waits. `orphan` forgets one whose
        cluster is no longer in the settings, and leaves what that has.
        """
        call = self._call("DELETE", name, query={"orphan": orphan} if orphan else None)
        return Change(self.transport, call, Told.model_validate_json)

    def instances(self, app: str) -> "AppInstances":
        """Those of one app."""
        return AppInstances(self.transport, self.kind, app)

    async def _get(self, *path: str) -> bytes:
        return (await self.transport.send(self._call("GET", *path))).body

    def _call(self, method: str, *path: str, body: object = None, query: Query | None = None) -> Call:
        return Call(method, (self.kind, *path), query, body, api=API1)


@dataclass(frozen=True)
class AppInstances:
    """The instances of an app."""

    transport: Transport
    kind: AppKind
    app: str

    def create(self, body: Mapping[str, Any], *, strict: bool = False) -> Change[AppInstance]:
        """What finds no memory waits for it; `strict` refuses the whole instance then."""
        call = self._call("POST", body=body, query={"strict": strict})
        return Change(self.transport, call, AppInstance.model_validate_json)

    async def all(self) -> list[AppInstance]:
        """By name."""
        return await _every(AppInstance, self.transport, self._call("GET"))

    async def get(self, name: str) -> AppInstance:
        """How each component is, and why."""
        return read(AppInstance.model_validate_json, await self._get(name))

    def wish(self, name: str, wish: Wish, component: str = "") -> Change[AppInstance]:
        """For all components, or for the one that is named; the containers of CaaS apps have none."""
        where = ("components", component) if component else ()
        return Change(self.transport, self._call("PUT", name, *where, wish), AppInstance.model_validate_json)

    def delete(self, name: str) -> Change[Told]:
        """The answer says whether it is gone, or on what that waits."""
        return Change(self.transport, self._call("DELETE", name), Told.model_validate_json)

    async def pods(self, name: str) -> list[Pod]:
        return read(Page[Pod].model_validate_json, await self._get(name, "pods")).items

    async def events(self, name: str) -> list[Happening]:
        """What the cluster says happened to it, the latest last."""
        return read(Page[Happening].model_validate_json, await self._get(name, "events")).items

    async def log(self, name: str, *, component: str = "", pod: str = "", container: str = "", tail: int = 1000) -> str:
        """The last lines that a pod has written: the one that is named, or the youngest."""
        query: Query = {"component": component, "pod": pod, "container": container, "tail": tail}
        answer = await self.transport.send(self._call("GET", name, "logs", query=query))
        return answer.body.decode(errors="replace")

    async def follow(
        self, name: str, *, component: str = "", pod: str = "", container: str = "", tail: int = 1000
    ) -> AsyncGenerator[str, None]:
        """The same, and what is written from then on, line by line, until the pod ends."""
        query: Query = {"component": component, "pod": pod, "container": container, "tail": tail, "follow": True}
        async with self.transport.text(self._call("GET", name, "logs", query=query)) as lines:
            async for line in lines:
                yield line.decode(errors="replace")

    async def _get(self, *path: str) -> bytes:
        return (await self.transport.send(self._call("GET", *path))).body

    def _call(self, method: str, *path: str, body: object = None, query: Query | None = None) -> Call:
        return Call(method, (self.kind, self.app, "instances", *path), query, body, api=API1)


async def _every(model: type[AnswerT], transport: Transport, call: Call) -> list[AnswerT]:
    """The items of all pages."""
    found, cursor = list[AnswerT](), ""
    while True:
        answer = await transport.send(replace(call, query={"limit": _PAGE, "cursor": cursor}))
        page = read(Page[model].model_validate_json, answer.body)  # type: ignore[valid-type]
        found += page.items
        if page.next is None:
            return found
        cursor = page.next
