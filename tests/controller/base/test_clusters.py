"""Clusters in the settings: from the file or the environment, and what is wrong is named by its place."""

import json
from pathlib import Path

import pytest

from paas_controller.base.errors import Invalid
from paas_controller.base.sources import load


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\nkind: Config\n")
    return tmp_path / "kubeconfig"


def toml(tmp_path: Path, text: str) -> Path:
    (tmp_path / "controller.toml").write_text(text)
    return tmp_path / "controller.toml"


def test_clusters_are_tables_of_the_file(tmp_path: Path, kubeconfig: Path) -> None:
    one, other = (f'[[clusters]]\nname = "{name}"\nkubeconfig = "{kubeconfig}"\n' for name in ("here", "there"))
    settings = load(toml(tmp_path, one + 'ports = "31000-31009"\n' + other), {}, {})
    assert [cluster.name for cluster in settings.clusters] == ["here", "there"]
    assert [cluster.range for cluster in settings.clusters] == [(31000, 31009), (30000, 32767)]


def test_clusters_are_json_in_the_environment(kubeconfig: Path) -> None:
    given = json.dumps([{"name": "here", "kubeconfig": str(kubeconfig)}])
    [cluster] = load(None, {}, {"PAAS_CONTROLLER_CLUSTERS": given}).clusters
    assert cluster.kubeconfig == kubeconfig


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": "Here"}, "clusters in {file}: 0.name: 'Here' is no name for a cluster"),
        ({"kubeconfig": "/nope"}, "clusters in {file}: 0.kubeconfig: /nope cannot be read: No such file or directory"),
        ({"ports": "40-30"}, "clusters in {file}: 0.ports: '40-30' is no range of ports"),
        ({"domain": "a b"}, "clusters in {file}: 0.domain: 'a b' is no domain"),
        ({"calls": 0}, "clusters in {file}: 0.calls has to be 1 or more"),
        ({"token": "t"}, "clusters in {file}: 0.token is no setting of a cluster; there are name, kubeconfig"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_named(tmp_path: Path, kubeconfig: Path, wrong: dict[str, object], sentence: str) -> None:
    given = {"name": "here", "kubeconfig": str(kubeconfig)} | wrong
    file = toml(tmp_path, "[[clusters]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items()))
    with pytest.raises(Invalid) as refused:
        load(file, {}, {})
    assert refused.value.message.startswith(sentence.format(file=file))


def test_two_of_one_name_are_refused(tmp_path: Path, kubeconfig: Path) -> None:
    table = f'[[clusters]]\nname = "here"\nkubeconfig = "{kubeconfig}"\n'
    with pytest.raises(Invalid, match="two clusters are called here"):
        load(toml(tmp_path, table * 2), {}, {})
