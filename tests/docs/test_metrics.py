from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from docs.metrics import METERS, PAGE, page
from tests.controller.shell import Shell


def test_the_page_says_what_the_code_does() -> None:
    assert PAGE.read_text() == page(), "docs/metrics.md is out of date: run `python docs/metrics.py`"


async def test_the_page_has_every_metric_that_is_answered_and_no_other(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    await shell.start()
    text = (await shell.get("//metrics")).body.decode()
    await shell.stop()
    answered = {family.name: family.documentation for family in text_string_to_metric_families(text)}
    ours = {name: meaning for name, meaning in answered.items() if not name.startswith("process_")}
    assert ours == {meter.name.removesuffix("_total"): meter.meaning for meter in METERS}
