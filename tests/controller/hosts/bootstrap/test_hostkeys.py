"""SSH's keys of hosts: the first one is believed, another one is not."""

import subprocess
from pathlib import Path

import pytest

from paas_controller.hosts.bootstrap.hostkeys import fingerprint, require_pinned
from paas_controller.hosts.bootstrap.progress import Failure

ONE, OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB=="


def test_a_fingerprint_is_as_ssh_keygen_shows_it(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    listed = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key"], check=True, capture_output=True, text=True)
    public = (tmp_path / "key.pub").read_text().rpartition(" ")[0]
    assert fingerprint(public) == listed.stdout.split()[1]


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "ssh-ed25519 §"])
def test_what_is_no_key_has_none(key: str) -> None:
    assert fingerprint(key) == ""


def test_the_first_key_and_the_same_again_are_taken() -> None:
    require_pinned("h:1", "", ONE)
    require_pinned("h:1", ONE, ONE)


def test_another_key_is_refused_with_both_and_what_to_say() -> None:
    with pytest.raises(Failure) as told:
        require_pinned("h:1", ONE, OTHER)
    assert told.value.lasting
    assert fingerprint(ONE) in told.value.sentence
    assert f"paasctl host bootstrap h:1 --accept-host-key {fingerprint(OTHER)}" in told.value.sentence
