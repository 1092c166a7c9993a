"""What an instance is made of in its cluster: manifests, and the ports that they want. Pure."""

from typing import Any

from paas_controller.caas import manifests
from paas_controller.caas.app import App
from paas_controller.caas.cluster.objects import Port
from paas_controller.caas.component import Component, Own, named
from paas_controller.caas.confine.templates import confined, confined_component
from paas_controller.caas.placing import Part
from paas_controller.caas.ports.service import Wanted
from paas_controller.caas.schemas import AppInstanceBody, CaasInstanceBody


def of_components(app: App, body: AppInstanceBody, instance: str) -> list[Part]:
    """A part for each component, for an instance of this id. Refused, Invalid: with the path in a template."""
    return [_part(app, instance, body, place) for place in range(len(body.components))]


def of_templates(app: App, body: CaasInstanceBody, instance: str) -> list[Part]:
    """The one part of a single container. Refused, Invalid: with the path in a template."""
    own = Own(app.namespace, body.name, instance, body.name, body.name)
    kept = confined(body.rc_template, body.svc_template, own)
    made = manifests.controller(own, kept.controller)
    service = manifests.service(own, kept.ports, kept.service) if kept.ports else None
    exported = kept.ports if kept.exported else ()
    wanted = [_wanted(body.name, port, f"svc_template.spec.ports.{place}") for place, port in enumerate(exported)]
    return [Part(made, service, tuple(wanted))]


def _wanted(component: str, port: Port, at: str) -> Wanted:
    return Wanted(component, port.container, port.node_port or None, port.name, f"{at}.nodePort")


def _part(app: App, instance: str, body: AppInstanceBody, place: int) -> Part:
    asked = body.components[place]
    component = Component(
        asked.name, asked.image, asked.replicas, asked.memory_units, asked.env, tuple(asked.ports), asked.rc_template
    )
    own = Own(app.namespace, named(body.name, asked.name), instance, asked.name, body.name)
    template: dict[str, Any] = confined_component(component, own, f"components.{place}.rc_template")
    made = manifests.component(own, component, template)
    if not asked.ports:
        return Part(made, None)
    ports = tuple(Port(container=port, service=port) for port in asked.ports)
    wanted = tuple(Wanted(asked.name, port) for port in asked.ports)
    return Part(made, manifests.service(own, ports, {}), wanted)
