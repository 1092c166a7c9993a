"""Settings that cannot be used: which, and what is expected."""

import pytest

from paas_agent.settings import BadSetting, read

BAD = [
    (("--cache-bytes", "-5"), "--cache-bytes has to be a whole number of bytes, 0 or more"),
    (("--cache-bytes", "9" * 5000), "--cache-bytes has to be a whole number of bytes, 0 or more"),
    (("--tls-key", "key.pem"), "--tls-key without --tls-certificate encrypts nothing; name both, or neither"),
    (("--log-level", "loud"), "--log-level has to be one of DEBUG, INFO, WARNING, ERROR"),
]


@pytest.mark.parametrize(("given", "words"), BAD)
def test_what_cannot_be_used_is_refused_with_what_is_expected(given: tuple[str, str], words: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        read(["run", "--work-dir", "work", *given], {})
    assert str(refusal.value).startswith(words)


def test_a_variable_of_the_environment_is_held_to_the_same() -> None:
    with pytest.raises(BadSetting, match="--tls-key without --tls-certificate"):
        read(["join"], {"PAAS_AGENT_WORK_DIR": "work", "PAAS_AGENT_TLS_KEY": "key.pem"})
    assert read(["run", "--work-dir", "work"], {"PAAS_AGENT_CACHE_BYTES": "0"}).cache_bytes == 0
