import pytest

from paas_controller.caas.cluster.objects import Port, Service
from paas_controller.caas.exposure import Exposure
from paas_controller.caas.exposure import exposure as exposed


def exposure(
    ports: tuple[int, int], *, address: str, domain: str = "", shared: bool = True, protocol: str = "TCP"
) -> Exposure:
    """Of a container's port by one that was given."""
    port = Port(ports[0], ports[0], protocol=protocol)
    service = Service("app-shop", "shop-web", "i-1", "web", (port,))
    return exposed(service, port, ports[1], address=address, domain=domain, shared=shared)


@pytest.mark.parametrize(
    ("ports", "url"),
    [
        ((8080, 30080), "http://shop-web.apps.example.org:30080"),
        ((8080, 80), "http://shop-web.apps.example.org"),
        ((443, 443), "https://shop-web.apps.example.org"),
        ((8443, 30443), "https://shop-web.apps.example.org:30443"),
        ((80, 443), "https://shop-web.apps.example.org"),
        ((443, 80), "https://shop-web.apps.example.org:80"),
    ],
)
def test_the_url_carries_the_port_where_it_is_not_the_usual_one(ports: tuple[int, int], url: str) -> None:
    assert exposure(ports, address="192.0.2.7", domain="apps.example.org").url == url


def test_a_cluster_without_a_domain_is_reached_at_its_address() -> None:
    shown = exposure((80, 30080), address="192.0.2.7")
    assert (shown.domain, shown.ip, shown.port) == ("192.0.2.7", "192.0.2.7", 30080)
    assert shown.url == "http://192.0.2.7:30080"


def test_an_address_with_colons_stands_in_brackets() -> None:
    assert exposure((80, 30080), address="2001:db8::7").url == "http://[2001:db8::7]:30080"


def test_a_node_port_is_at_an_address_that_others_share() -> None:
    assert exposure((80, 30080), address="192.0.2.7").shared_address
    assert not exposure((80, 80), address="192.0.2.7", shared=False).shared_address


@pytest.mark.parametrize(("protocol", "url"), [("UDP", "udp://192.0.2.7:30053"), ("SCTP", "sctp://192.0.2.7:30053")])
def test_what_no_browser_speaks_is_said_by_its_protocol(protocol: str, url: str) -> None:
    shown = exposure((53, 30053), address="192.0.2.7", protocol=protocol)
    assert (shown.protocol, shown.url) == (protocol, url)
