import re

from paas_controller.caas.component import Own, named
from paas_controller.caas.words import COMPONENT, INSTANCE


def test_a_name_is_that_of_the_instance_and_the_component() -> None:
    assert named("shop", "web") == "shop-web"


def test_a_name_that_is_too_long_ends_with_a_hash_of_the_whole() -> None:
    names = {named("i" * 40, f"{'c' * 39}{end}") for end in "abc"}
    assert len(names) == 3
    for name in names:
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])", name)


def test_a_selector_is_the_instances_id_and_the_component() -> None:
    own = Own("ns", "shop-web", "7d1f", "web", "shop")
    assert own.selector == {INSTANCE: "7d1f", COMPONENT: "web"}
