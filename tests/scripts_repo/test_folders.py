import json
import re
import subprocess
import sys
from pathlib import Path

from scripts_repo.build import SCRIPTS, SOURCE, softwares, whole
from tests.scripts_repo.instances import SOFTWARE, Row

SHELLCHECK = Path(sys.executable).parent / "shellcheck"
SETTING = re.compile(r"\$\{([A-Z_]+):=([^}]*)\}")
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \|", re.MULTILINE)


def test_every_folder_has_a_row_in_the_tests() -> None:
    rows, folders = {str(row) for row in SOFTWARE}, {f"{one.name}-{one.version}" for one in softwares(SOURCE)}
    assert rows <= folders
    missing = ", ".join(folders - rows)
    assert not missing, f"add a row in tests/scripts_repo/instances.py for {missing}"


def test_a_folder_holds_all_its_files(row: Row) -> None:
    folder = SOURCE / row.name / row.version
    for file in [*(folder / name for name in SCRIPTS), *folder.glob("package")]:
        assert file.stat().st_mode & 0o111, file
    assert (folder / "README.md").is_file()


def test_the_readme_names_each_metadata_key_with_its_default(row: Row) -> None:
    folder = SOURCE / row.name / row.version
    used = dict(SETTING.findall(whole(folder / "start.sh")))
    named = dict(ROW.findall((folder / "README.md").read_text()))
    assert set(named) == set(used)
    for key, default in used.items():
        assert f"`{default}`" in named[key] or default in ("", "$home/data/www"), key


def test_the_readme_has_an_example_that_can_be_created(row: Row) -> None:
    text = (SOURCE / row.name / row.version / "README.md").read_text()
    assert text.count("```json") == 1, "one ```json example: the document that `create` takes"
    example = json.loads(text.split("```json")[1].split("```")[0])
    app = example["app"]
    assert example["host"] == [{"ip": "127.0.0.1"}]
    assert app["repo_url"] == f"http://127.0.0.1:3334/repo/{row.name}/{row.version}/"
    assert app["package"].startswith(f"{row.name}-{row.version}")
    assert {f"{action}.sh" for action in app} >= set(SCRIPTS)
    assert set(app["metadata"]) <= set(dict(ROW.findall(text)))


def test_the_checksums_hold_for_all_that_is_served(row: Row, repo: Path) -> None:
    folder = repo / row.name / row.version
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True)
    served = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert {line.split(":")[0] for line in done.stdout.splitlines()} == served
    brought = {path.name for path in (SOURCE / row.name / row.version).glob("*.tar.*")}
    made = {f"{row}.tar.gz"} if (SOURCE / row.name / row.version / "package").exists() else brought
    assert served == {*SCRIPTS, "README.md", *made}


def test_shellcheck_has_nothing_to_say(repo: Path) -> None:
    written = [*SOURCE.glob("*.sh"), *SOURCE.glob("*/*.sh"), *SOURCE.glob("*/*/*.sh"), *SOURCE.glob("*/*/package")]
    for files in (written, list(repo.glob("*/*/install.sh"))):
        done = subprocess.run(
            [SHELLCHECK, "-x", "-P", "SCRIPTDIR", *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
