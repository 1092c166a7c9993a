"""MySQL for the tests: the vendor's archive where somebody brought one, else MariaDB laid out as it is."""

import os
import shutil
import subprocess
from pathlib import Path

from scripts_repo.build import SOURCE

MYSQLD = """#!/bin/sh
# MariaDB with the manners of mysqld, as far as the scripts know them.
base=${0%/*}/..
for argument in "$@"; do
    case $argument in
    --initialize-insecure) initialize=yes ;;
    --datadir=*) datadir=${argument#*=} ;;
    esac
done
[ "${initialize:-}" ] || exec "$base/sbin/mariadbd" "$@"
mkdir -p "$datadir"
if [ "$(ls -A "$datadir")" ]; then
    echo '[ERROR] --initialize specified but the data directory has files in it. Aborting.' >&2
    exit 1
fi
accounts=$datadir.sql
echo "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';" >"$accounts"
"$base/bin/mariadb-install-db" --no-defaults "--basedir=$base" "--datadir=$datadir" --skip-name-resolve \\
    --skip-test-db --auth-root-authentication-method=normal "--extra-file=$accounts" || exit
rm "$accounts"
"""


def put_mysql(repo: Path, *versions: str) -> None:
    """Puts mysql-VERSION.tar.gz beside the scripts of each version in a copy of the repository."""
    made = repo / "made.tar"
    _make(repo, made)
    for version in versions:
        brought = sorted((SOURCE / "mysql" / version).glob("*.tar.*"))
        target = repo / "mysql" / version / f"mysql-{version}.tar.gz"
        shutil.copyfile(brought[-1], target) if brought else os.link(made, target)


def _make(repo: Path, target: Path) -> None:
    top = repo / "mysql-linux-glibc2.12-x86_64"
    top.mkdir()
    unpack = ["tar", "-xf", repo / "mariadb/10.11/mariadb-10.11.tar.gz", "-C", top, "--strip-components=1"]
    subprocess.run(unpack, check=True)
    (top / "bin/mariadb").rename(top / "bin/mysql")
    (top / "bin/mysqld").write_text(MYSQLD)
    (top / "bin/mysqld").chmod(0o755)
    subprocess.run(["tar", "-cf", target, "-C", repo, top.name], check=True)
    shutil.rmtree(top)
