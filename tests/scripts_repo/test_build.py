import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts_repo.build import SCRIPTS, SOURCE, BuildError, build, cache_folder

RECIPE = '#!/bin/sh\necho made >>"{runs}"\nprintf content >"$1/tool-1.tar.gz"\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with one small software, whose recipe counts its runs."""
    folder = tmp_path / "source" / "tool" / "1"
    folder.mkdir(parents=True)
    (tmp_path / "source" / "debian.sh").write_text("")
    (tmp_path / "source" / "shared.sh").write_text("shared() { :; }\n")
    for name in SCRIPTS:
        (folder / name).write_text('#!/bin/sh\n. "${0%/*}/../../shared.sh"\nshared\n')
    (folder / "README.md").write_text("# tool\n")
    write_recipe(tmp_path / "source", RECIPE.format(runs=tmp_path / "runs"))
    return tmp_path / "source"


def write_recipe(source: Path, text: str) -> None:
    recipe = source / "tool" / "1" / "package"
    recipe.write_text(text)
    recipe.chmod(0o755)


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


def test_a_script_is_served_as_one_file(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path / "repo", tmp_path / "cache")
    assert (tmp_path / "repo/tool/1/start.sh").read_text() == "#!/bin/sh\nshared() { :; }\nshared\n"


def test_a_second_build_changes_nothing(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(source, tmp_path / "repo", tmp_path / "cache")
    before = (tmp_path / "repo/tool/1").stat()
    build(source, tmp_path / "repo", tmp_path / "cache")
    assert (tmp_path / "repo/tool/1").stat().st_ino == before.st_ino
    assert runs(tmp_path) == 1
    assert capsys.readouterr().out.endswith("is up to date\n")


def test_a_changed_script_is_served_without_making_the_package_again(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path / "repo", tmp_path / "cache")
    (source / "shared.sh").write_text("shared() { echo; }\n")
    build(source, tmp_path / "repo", tmp_path / "cache")
    assert "echo" in (tmp_path / "repo/tool/1/stop.sh").read_text()
    assert runs(tmp_path) == 1


@pytest.mark.parametrize("file", ["debian.sh", "tool/1/package"])
def test_a_changed_recipe_makes_the_package_again(source: Path, tmp_path: Path, file: str) -> None:
    build(source, tmp_path / "repo", tmp_path / "cache")
    with (source / file).open("a") as changed:
        changed.write("# changed\n")
    build(source, tmp_path / "repo", tmp_path / "cache")
    assert runs(tmp_path) == 2


def test_a_failed_recipe_gives_its_sentence_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    write_recipe(source, "#!/bin/sh\necho half >\"$1/tool-1.tar.gz\"\necho 'no tool anywhere' >&2\nexit 1\n")
    with pytest.raises(BuildError, match=r"^no tool anywhere$"):
        build(source, tmp_path / "repo", tmp_path / "cache")
    assert not (tmp_path / "repo").exists()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_what_a_killed_build_left_is_cleared_by_the_next(source: Path, tmp_path: Path) -> None:
    write_recipe(source, '#!/bin/sh\necho half >"$1/tool-1.tar.gz"\nkill -9 $PPID\n')
    program = f"from pathlib import Path; from scripts_repo.build import build; build(*map(Path, {paths(tmp_path)}))"
    killed = subprocess.run([sys.executable, "-c", program], cwd=SOURCE.parent, check=False)
    assert killed.returncode == -9
    assert not (tmp_path / "repo").exists()
    write_recipe(source, RECIPE.format(runs=tmp_path / "runs"))
    build(source, tmp_path / "repo", tmp_path / "cache")
    assert (tmp_path / "repo/tool/1/tool-1.tar.gz").read_text() == "content"
    assert not list((tmp_path / "cache").glob("making-*"))


def paths(tmp_path: Path) -> tuple[str, str, str]:
    return str(tmp_path / "source"), str(tmp_path / "repo"), str(tmp_path / "cache")


def test_without_a_recipe_the_archives_that_people_brought_are_served(source: Path, tmp_path: Path) -> None:
    (source / "tool" / "1" / "package").unlink()
    build(source, tmp_path / "repo", tmp_path / "cache")
    served = tmp_path / "repo" / "tool" / "1"
    assert ".tar." not in (served / "SHA256SUMS").read_text()
    (source / "tool" / "1" / "tool-1.0.3-linux.tar.xz").write_text("content")
    build(source, tmp_path / "repo", tmp_path / "cache")
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=served, capture_output=True, text=True, check=True)
    assert "tool-1.0.3-linux.tar.xz: OK" in done.stdout


def test_only_one_software_is_built_when_asked_and_an_unknown_one_is_named(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path / "repo", tmp_path / "cache", "tool/1")
    with pytest.raises(BuildError, match="there is no cobol in the scripts repository; there are: tool/1"):
        build(source, tmp_path / "repo", tmp_path / "cache", "cobol")


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "paas-operator"


def test_a_recipe_says_which_tool_is_missing(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("mkdir", "dpkg-deb", "apt-config", "ldd"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    recipe = SOURCE / "redis" / "7.0" / "package"
    done = subprocess.run(
        [recipe, tmp_path], env={"PATH": str(tools), "HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "redis 7.0: apt-get is missing; packages can be built on Debian 12 only\n"


def test_make_repo_ends_with_one_sentence_when_the_network_is_missing(tmp_path: Path) -> None:
    nowhere = tmp_path / "apt.conf"
    nowhere.write_text(
        'Acquire::Retries "0";\nAcquire::http::Proxy "http://127.0.0.1:1";\nAcquire::https::Proxy "http://127.0.0.1:1";\n'
    )
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "APT_CONFIG": str(nowhere)}
    environment |= {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-m", "scripts_repo.build", "--only", "redis", "--to", tmp_path / "repo"],
        cwd=SOURCE.parent, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("redis 7.0: apt finds no redis-server redis-tools of Debian")
    assert not (tmp_path / "repo").exists()
