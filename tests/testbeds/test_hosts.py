"""The network of hosts: what the tests of SSH, services and tunnels rely on."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import paramiko
import pytest

from tests.testbeds.account import command_as
from tests.testbeds.hosts import bed as hosts
from tests.testbeds.hosts.bed import Bed
from tests.testbeds.hosts.host import Host
from tests.testbeds.hosts.tree import PASSWORDS, prune

_KILLED = """
from tests.testbeds.hosts.bed import bed
with bed() as made:
    [host] = made.add()
    print(made.network.number, flush=True)
    input()
"""

_BELOW = "/sys/fs/cgroup/system.slice/pair.service/below"
_PAIR = f"""
mkdir {_BELOW}
sleep 99 & echo $! > {_BELOW}/cgroup.procs
sleep 99 & : > /run/pair
wait
"""


@contextmanager
def ssh(host: Host, user: str, **how: object) -> Iterator[paramiko.SSHClient]:
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(host.address, username=user, look_for_keys=False, allow_agent=False, timeout=10, **how)  # type: ignore[arg-type]
        yield client


def said(client: paramiko.SSHClient, command: str, told: str = "") -> str:
    stdin, stdout, _ = client.exec_command(command, timeout=20)
    stdin.write(told)
    stdin.channel.shutdown_write()
    return stdout.read().decode().strip()


def connects(address: str, port: int = 22) -> bool:
    try:
        socket.create_connection((address, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def host_key(host: Host) -> str:
    with ssh(host, "plain", password=PASSWORDS["plain"]) as client:
        transport = client.get_transport()
        assert transport is not None
        return transport.get_remote_server_key().get_base64()


def test_four_hosts_run_systemd_each_by_its_own_name_and_address(four_hosts: list[Host]) -> None:
    for host in four_hosts:
        assert host.run("systemctl is-system-running --wait").strip() == "running"
        assert host.run("hostname").strip() == host.name
        assert host.address in host.run("ip -brief address show eth0")
    assert len({host.address for host in four_hosts}) == 4
    assert len({host.run("cat /etc/machine-id") for host in four_hosts}) == 4
    assert len({host_key(host) for host in four_hosts}) == 4


@pytest.mark.parametrize("user", PASSWORDS)
def test_everybody_logs_in_with_a_password(four_hosts: list[Host], user: str) -> None:
    with ssh(four_hosts[0], user, password=PASSWORDS[user]) as client:
        assert said(client, "id -un") == user


def test_a_wrong_password_is_refused(four_hosts: list[Host]) -> None:
    with pytest.raises(paramiko.AuthenticationException), ssh(four_hosts[0], "ops", password="wrong"):
        pass


def test_a_key_logs_in_once_it_is_authorized(fresh_host: Host) -> None:
    made = paramiko.ECDSAKey.generate()
    text = StringIO()
    made.write_private_key(text)
    fresh_host.authorize("ops", f"{made.get_name()} {made.get_base64()}")
    key = paramiko.ECDSAKey.from_private_key(StringIO(text.getvalue()))
    with ssh(fresh_host, "ops", pkey=key) as client:
        assert said(client, "id -un") == "ops"


def test_sudo_asks_one_for_the_password_lets_one_through_and_refuses_one(four_hosts: list[Host]) -> None:
    asked = "sudo -k -S -p '' id -un"
    with ssh(four_hosts[0], "ops", password=PASSWORDS["ops"]) as client:
        assert said(client, "sudo -n id -un") == ""
        assert said(client, asked, f"{PASSWORDS['ops']}\n") == "root"
    with ssh(four_hosts[0], "robot", password=PASSWORDS["robot"]) as client:
        assert said(client, "sudo -n id -un") == "root"
    with ssh(four_hosts[0], "plain", password=PASSWORDS["plain"]) as client:
        assert said(client, asked, f"{PASSWORDS['plain']}\n") == ""


def test_hosts_reach_each_other_and_this_machine(bed: Bed, four_hosts: list[Host]) -> None:
    with socket.create_server((bed.address, 0)) as listening:
        port = listening.getsockname()[1]
        four_hosts[0].run(f"timeout 5 bash -c '</dev/tcp/{bed.address}/{port}'")
    four_hosts[0].run(f"timeout 5 bash -c '</dev/tcp/{four_hosts[1].address}/22'")


def test_nothing_leaves_the_net_even_when_root_sets_a_way(bed: Bed, fresh_host: Host) -> None:
    outside = "198.51.100.1"
    subprocess.run(["ip", "address", "add", f"{outside}/32", "dev", bed.network.name], check=True)
    with socket.create_server(("0.0.0.0", 0)) as listening:
        port = listening.getsockname()[1]
        assert b"Network is unreachable" in fresh_host.tries(f"</dev/tcp/{outside}/{port}").stderr
        fresh_host.run(f"ip route add default via {bed.address}")
        assert fresh_host.tries(f"timeout 1 bash -c '</dev/tcp/{outside}/{port}'").returncode == 124
        fresh_host.run(f"timeout 5 bash -c '</dev/tcp/{bed.address}/{port}'")
    subprocess.run(["ip", "address", "delete", f"{outside}/32", "dev", bed.network.name], check=True)


def test_a_cut_host_is_silent_and_goes_on_where_it_was(fresh_host: Host) -> None:
    with ssh(fresh_host, "ops", password=PASSWORDS["ops"]) as client:
        fresh_host.cut()
        assert not connects(fresh_host.address)
        assert fresh_host.run("systemctl is-active ssh").strip() == "active"
        fresh_host.mend()
        assert said(client, "echo the same connection") == "the same connection"


def test_a_host_that_drops_inbound_can_call_out(bed: Bed, fresh_host: Host) -> None:
    with ssh(fresh_host, "ops", password=PASSWORDS["ops"]) as client:
        fresh_host.drop_inbound()
        assert not connects(fresh_host.address)
        assert said(client, "echo still open") == "still open"
        with socket.create_server((bed.address, 0)) as listening:
            fresh_host.run(f"timeout 5 bash -c '</dev/tcp/{bed.address}/{listening.getsockname()[1]}'")
    fresh_host.allow_inbound()
    assert connects(fresh_host.address)


def test_a_power_loss_tells_nobody_and_keeps_the_disk(fresh_host: Host) -> None:
    fresh_host.write("/srv/kept", b"kept", 0o600)
    before = fresh_host.run("cat /proc/sys/kernel/random/boot_id")
    key = host_key(fresh_host)
    with ssh(fresh_host, "ops", password=PASSWORDS["ops"]) as client:
        transport = client.get_transport()
        assert transport is not None
        fresh_host.power_off()
        assert not fresh_host.running
        assert not connects(fresh_host.address)
        assert transport.is_active()
        fresh_host.boot()
    assert fresh_host.read("/srv/kept") == b"kept"
    assert fresh_host.run("stat --format %a /srv/kept").strip() == "600"
    assert fresh_host.run("cat /proc/sys/kernel/random/boot_id") != before
    assert host_key(fresh_host) == key


def test_a_reboot_stops_the_services_in_order_and_starts_them_again(fresh_host: Host) -> None:
    fresh_host.run("systemd-run --unit=farewell --property=ExecStop='/bin/touch /srv/farewell' sleep infinity")
    fresh_host.reboot()
    fresh_host.run("test -e /srv/farewell")
    assert fresh_host.journal("ssh").count("Server listening on 0.0.0.0") == 2
    assert connects(fresh_host.address)


def test_a_host_installed_anew_has_forgotten_all_and_has_another_key(fresh_host: Host) -> None:
    fresh_host.write("/srv/old", b"old")
    before, address = host_key(fresh_host), fresh_host.address
    fresh_host.drop_inbound()
    fresh_host.install()
    assert fresh_host.address == address
    assert host_key(fresh_host) != before
    assert fresh_host.tries("test -e /srv/old").returncode == 1


def test_a_full_disk_is_full_and_can_be_freed(fresh_host: Host) -> None:
    write = "head -c 1000000 /dev/zero >/srv/large"
    fresh_host.fill_disk(left=4096)
    failed = fresh_host.tries(write)
    assert b"No space left on device" in failed.stderr
    fresh_host.free_disk()
    fresh_host.run(write)


def test_the_processes_of_a_unit_are_found_in_groups_below_it_too(four_hosts: list[Host]) -> None:
    host = four_hosts[3]
    host.run(f"systemd-run --unit=pair --property=Delegate=yes bash -c '{_PAIR}'")
    host.run("until [ -e /run/pair ]; do sleep 0.05; done")
    found = host.pids_of("pair")
    assert len(found) == 3
    assert int(host.run(f"cat {_BELOW}/cgroup.procs")) in found
    assert str(min(found)) == host.run("systemctl show -P MainPID pair").strip()
    host.run("systemctl stop pair")
    assert host.pids_of("pair") == set()


def test_a_second_network_is_another_one_and_leaves_nothing_behind(bed: Bed) -> None:
    with hosts.bed() as other:
        assert other.address != bed.address
        [host] = other.add()
        assert connects(host.address)
        assert not connects(other.nobody)
    assert_nothing_is_left_of(other)


def test_what_a_killed_run_left_is_ended_by_the_next_one(bed: Bed) -> None:
    run = subprocess.Popen([sys.executable, "-c", _KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with run:
        assert run.stdout is not None
        left = Bed(int(run.stdout.readline()))
        [host] = left.hosts
        run.kill()
    ran = host.running
    with hosts.bed():
        assert (ran, host.running) == (True, False)
    assert_nothing_is_left_of(left)


def test_hosts_by_hand_stay_until_they_are_ended(bed: Bed) -> None:
    by_hand = [sys.executable, "-m", "tests.testbeds.hosts"]
    before = {one.network.number for one in hosts.beds()}
    told = subprocess.run([*by_hand, "up", "1"], capture_output=True, text=True, check=True).stdout
    [kept] = [one for one in hosts.beds() if one.network.number not in before]
    [host] = kept.hosts
    try:
        assert f"{host.name}  {host.address}" in told
        assert connects(host.address)
        seen = subprocess.run([*by_hand, "list"], capture_output=True, text=True, check=True).stdout
        assert f"{host.name}  {host.address}" in seen
        enter = [*by_hand, "shell", host.name]
        inside = subprocess.run(enter, input="hostname\n", capture_output=True, text=True, check=True)
        assert inside.stdout.strip() == host.name
    finally:
        kept.down()
    assert_nothing_is_left_of(kept)


def test_of_former_base_trees_the_newest_stay_and_what_hosts_stand_on(tmp_path: Path) -> None:
    cache, beds = tmp_path / "cache", tmp_path / "beds"
    for age, name in enumerate(("fourth", "third", "second", "first")):
        (cache / f"hosts-{name}" / "etc").mkdir(parents=True)
        os.utime(cache / f"hosts-{name}", (-age, -age))
    (beds / "0").mkdir(parents=True)
    (beds / "0" / "tree").symlink_to(cache / "hosts-first")
    prune(cache, beds)
    assert {tree.name for tree in cache.iterdir()} == {"hosts-first", "hosts-third", "hosts-fourth"}


def test_whoever_is_not_root_is_told() -> None:
    command = command_as("nobody", [sys.executable, "-m", "tests.testbeds.hosts", "up"])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "hosts with systemd take root to start; run this as root\n"


def test_a_shell_on_a_host_that_is_not_there_is_a_sentence() -> None:
    command = [sys.executable, "-m", "tests.testbeds.hosts", "shell", "paas999-h1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "there is no host paas999-h1 that runs; `list` tells which there are\n"


def assert_nothing_is_left_of(bed: Bed) -> None:
    """No folder, mount, link, namespace, cgroup or process bears the bed's name."""
    name = bed.network.name
    assert not bed.folder.exists()
    assert str(bed.folder) not in Path("/proc/self/mounts").read_text()
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    assert f"{name}@" not in links
    for place in ("/run/netns", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"):
        assert not list(Path(place).glob(f"{name}-*"))
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--machine={name}-" not in processes


def test_where_the_kernel_gives_no_more_inotify_instances_that_is_told() -> None:
    program = (
        "import ctypes\nfrom tests.testbeds.hosts.machine import spent\nassert not spent()\n"
        "while ctypes.CDLL(None).inotify_init1(0) >= 0: pass\nprint(spent())\n"
    )
    command = command_as("nobody", [sys.executable, "-c", program])  # whose own these are, and not the hosts'
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "inotify instances of the machine are taken: end other hosts" in done.stdout
