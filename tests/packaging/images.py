"""Container images without a registry or a daemon: buildah, with all that it keeps in one folder."""

import os
import subprocess
import tempfile
from pathlib import Path

from tests.packaging.conftest import ROOT
from tests.testbeds.hosts.machine import command, equip
from tests.testbeds.hosts.tree import base_tree
from tests.testbeds.memory import memory

_BASE = "localhost/base"
_LEAVE = (
    *("boot", "dev", "proc", "sys", "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl"),
    *("usr/lib/*/perl", "usr/lib/*/gconv", "usr/lib/file"),
)
"""What neither pip nor the controller asks for."""


class Images:
    """What buildah, installed where it is missing, has made; in memory where that has much room."""

    def __init__(self) -> None:
        equip({"buildah": "buildah"})
        folder = self._folder = Path(tempfile.mkdtemp(prefix="images-", dir=memory(room=4) or "/var/tmp"))
        settings = folder / "storage.conf"
        settings.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n')
        own = {"CONTAINERS_STORAGE_CONF": str(settings), "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        self.environment = os.environ | own

    def make_base(self) -> str:
        """The name of one with Debian 12 and its Python in it: what the hosts of the bed are installed from."""
        context = self._folder / "context"
        context.mkdir()
        leave = [f"--exclude=./{folder}/*" for folder in _LEAVE]
        command("tar", "-C", base_tree(), *leave, "-cf", context / "base.tar", ".")
        (context / "Containerfile").write_text("FROM scratch\nADD base.tar /\n")
        self.run("buildah", "bud", "--quiet", "--tag", _BASE, context)
        (context / "base.tar").unlink()
        return _BASE

    def build(self, bundle: Path) -> str:
        """The name of the controller's image, built as people build it, but for the softwares' large packages."""
        light = self._folder / bundle.name
        command("tar", "-C", self._folder, "--exclude=*/repo/*/*/*.tar.*", "-xf", bundle)
        command("tar", "-C", self._folder, "-cf", light, bundle.stem)
        return self.run(ROOT / "packaging" / "image" / "build", light, BASE_IMAGE=self.make_base())

    def run(self, *words: str | Path, **more: str) -> str:
        done = subprocess.run(words, env=self.environment | more, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def remove(self) -> None:
        command("rm", "-rf", "--one-file-system", self._folder)
