"""The controller's words for portals, as people read them."""

import pytest

from paas_client.commands.spoken import spoken


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("?uninstall=true uninstalls it and forgets it then", "--uninstall uninstalls it and forgets it then"),
        ("?removed=orphan forgets it there", "--removed orphan forgets it there"),
        ("db7 is expected stopped; apply=restart takes running", "db7 is expected stopped; --restart takes running"),
        ("somebody changed it (If-Match is stale); read it again", "somebody changed it; read it again"),
        ("it was changed; read it: GET database/db7", "it was changed; read it: paasctl database show db7"),
        ("no database is called ../host?x=1#y", "no database is called ../host?x=1#y"),
    ],
)  # fmt: skip
def test_options_and_commands_take_the_place_of_http(sentence: str, told: str) -> None:
    assert spoken(sentence) == told
