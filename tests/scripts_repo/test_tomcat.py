import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from tests.scripts_repo.instances import SOFTWARE, Instance, Row, wait_for
from tests.scripts_repo.test_slow import unprivileged
from tests.testbeds.ports import free_port

TRUST = """<%@ page import="java.security.KeyStore,javax.net.ssl.*" %><%
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init((KeyStore) null);
    out.print(((X509TrustManager) trust.getTrustManagers()[0]).getAcceptedIssuers().length);
%>"""
SECRET = '<%= System.getenv("APP_PASSWORD") %>'

pytestmark = unprivileged


@pytest.fixture
def row() -> Row:
    return next(row for row in SOFTWARE if row.name == "tomcat")


def page(instance: Instance, path: str = "", port: int = 0) -> str:
    with urlopen(f"http://127.0.0.1:{port or instance.port}/{path}", timeout=20) as answer:
        return str(answer.read().decode()).strip()


def put_war(instance: Instance, name: str, files: dict[str, str]) -> None:
    """Puts a WAR there in one step, as a person or a pipeline would."""
    made = instance.folder / name
    with zipfile.ZipFile(made, "w") as war:
        for file, text in files.items():
            war.writestr(file, text)
    made.chmod(0o644)
    made.rename(instance.folder / "data" / "webapps" / name)


def _holds(path: Path, text: str) -> bool:
    """Whether all of it is there: a file that is being unpacked exists before it is whole."""
    return path.exists() and path.read_text() == text


def test_an_application_is_deployed_and_survives_kill_uninstall_and_install(make: Callable[..., Instance]) -> None:
    instance = make(APP_PASSWORD="never-shown")
    instance.do("install", "start")
    assert page(instance).startswith("Tomcat works")
    put_war(instance, "shop.war", {"index.html": "hello", "trust.jsp": TRUST, "secret.jsp": SECRET})
    unpacked = instance.folder / "data/webapps/shop"
    wait_for(lambda: _holds(unpacked / "trust.jsp", TRUST) and _holds(unpacked / "secret.jsp", SECRET), seconds=30)
    instance.kill()
    instance.do("uninstall", "install", "start")
    assert page(instance, "shop/") == "hello"
    assert int(page(instance, "shop/trust.jsp")) > 100
    assert page(instance, "shop/secret.jsp") == "never-shown"
    assert instance.libraries_of_the_host() == set()
    assert "never-shown" not in " ".join(psutil.Process(instance.pid()).cmdline())
    assert "never-shown" not in instance.do("check") + (instance.folder / "log/tomcat.log").read_text()


def test_changed_metadata_and_files_count_from_the_restart_on(make: Callable[..., Instance]) -> None:
    instance = make(BIND="127.0.0.1")
    instance.do("install", "start")
    second = free_port()
    own = instance.folder / "data/conf.d/own.xml"
    own.write_text(f'<Connector address="127.0.0.1" port="{second}"/>')
    own.chmod(0o644)
    instance.metadata |= {"ACCESS_LOG": "on", "HEAP_LIMIT": "100"}
    instance.do("restart")
    assert instance.listeners() == {("127.0.0.1", instance.port), ("127.0.0.1", second)}
    assert "-Xmx100m" in psutil.Process(instance.pid()).cmdline()
    assert instance.check()["code"] == "0"
    assert page(instance, "?asked", second).startswith("Tomcat works")
    with pytest.raises(HTTPError) as refused:
        page(instance, "no-such-page")
    assert "Tomcat" not in refused.value.read().decode()
    instance.do("stop")
    log = (instance.folder / "log/access.log").read_text().splitlines()
    assert ["?asked" in line or "no-such-page" in line for line in log] == [True, True]


def test_a_broken_configuration_fails_the_start_with_the_last_words(instance: Instance) -> None:
    instance.do("install")
    own = instance.folder / "data/conf.d/own.xml"
    own.parent.mkdir()
    own.write_text("<Connector")
    done = instance.run("start")
    assert done.returncode == 1
    assert "SAXParseException" in done.stderr
    assert not instance.processes()
