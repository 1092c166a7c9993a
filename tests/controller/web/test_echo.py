"""What was sent is left out of what is kept of an answer, and comes back by the same request."""

import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paas_controller.base.crypto import Vault
from paas_controller.web.echo import with_sent, without_sent
from tests.controller.shell import Shell, body

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
KEYS = st.sampled_from(["a", "b", "auth", "password"])
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(DOCUMENTS, DOCUMENTS)
def test_the_answer_comes_back_as_it_was(answer: Any, sent: Any) -> None:
    assert with_sent(without_sent(answer, sent), sent) == answer


@given(DOCUMENTS)
def test_no_text_is_kept_that_was_sent(sent: Any) -> None:
    assert with_sent(without_sent(sent, sent), None) == _blank(sent)


def _blank(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _blank(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_blank(value) for value in document]
    return None if isinstance(document, str) else document


def test_what_the_answer_adds_is_kept() -> None:
    sent = {"name": "db", "host": [{"ip": "h", "auth": [{"password": "secret"}]}]}
    answer = sent | {"generation": 1}
    kept = without_sent(answer, sent)
    assert "secret" not in str(kept)
    assert kept["generation"] == 1
    assert with_sent(kept, sent) == answer


async def test_no_secret_that_was_sent_is_kept_even_sealed(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    await shell.start()
    asked = body(metadata={"APP_PASSWD": "MYSQL123"})
    assert (await shell.post("/database/create", asked, headers={"Idempotency-Key": "1"})).status == 201
    await shell.stop()
    database = sqlite3.connect(shell.folder / "controller.db")
    [(sealed,)] = database.execute("SELECT sealed FROM once").fetchall()
    database.close()
    opened = Vault(shell.folder / "secret.key").open(sealed)
    assert "as it was sent" in opened
    assert "MYSQL123" not in opened
