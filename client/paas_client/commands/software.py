"""`paasctl software new`: a folder of the scripts repository to begin with, whose scripts run as they are."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from paas_client import show
from paas_client.commands.asking import USAGE

app = typer.Typer(no_args_is_help=True, help="What can be installed.")

_TEMPLATE = files("paas_client") / "templates" / "software"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the repository, as redis.")],
    version: Annotated[str, typer.Option("--version", help="The version that it installs.")] = "1.0",
    folder: Annotated[Path, typer.Option("--folder", help="The scripts repository.")] = Path("scripts_repo"),
    form: show.FormOption = show.Form.table,
) -> None:
    """Make a folder for a software, with scripts that run as they are, and say what to do next."""
    for what, word in (("NAME", name), ("--version", version)):
        if not _PLAIN.fullmatch(word):
            _end(f"{what} has to be small letters, digits and . _ -, beginning with a letter or digit", code=USAGE)
    if not (folder / "instance.sh").is_file():
        hint = "run this in a checkout of paas-operator, or name its scripts_repo with --folder"
        _end(f"{folder} is no scripts repository: there is no instance.sh in it", hint)
    target = folder / name / version
    if target.exists():
        _end(f"{target} is there already", "change what is in it, or choose another name or --version")
    try:
        made = _write(target, name, version)
    except OSError as error:
        _end(f"{error.filename} cannot be written: {error.strerror}")
    steps = _next(target, name, version)
    document = {"folder": str(target), "files": made, "next": steps}
    show.answer(form, document, lambda: show.lines([f"made {target}, and it runs as it is; next:", *steps]))


def _write(target: Path, name: str, version: str) -> list[str]:
    """Writes the template's files, and answers with their names."""
    target.mkdir(parents=True)
    made = []
    for template in sorted(_TEMPLATE.iterdir(), key=lambda file: file.name):
        file = target / template.name
        file.write_text(template.read_text().replace("@software@", name).replace("@version@", version))
        file.chmod(0o644 if file.name in ("README.md", "server.sh") else 0o755)
        made.append(file.name)
    return made


def _next(target: Path, name: str, version: str) -> list[str]:
    row = f'Row("{name}", "{version}", "server.conf", (("PORT", "0"), ("PORT", "80; id"), ("BIND", "localhost"))),'
    link = f"[{name} {version}]({name}/{version}/README.md)"
    return [
        f"1. build it:      make repo, or .venv/bin/python -m scripts_repo.build --only {name}/{version}",
        f"2. its own:       {target / 'server.sh'}: metadata, configuration, start and check",
        f"3. its package:   {target / 'package'}: the Debian packages that it is made of",
        f"4. its metadata:  {target / 'README.md'}: every key with its default",
        f"5. its tests:     a row in tests/scripts_repo/instances.py: {row}",
        f"6. its place:     a link in the table of scripts_repo/README.md: {link}",
        "docs/scripts.md tells each step, and how to try it alone and through an agent",
    ]


def _end(sentence: str, hint: str = "", code: int = 1) -> NoReturn:
    show.failure(sentence, hint=hint)
    raise typer.Exit(code)
