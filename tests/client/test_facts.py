"""What an agent told of its host, in a few lines."""

from paas_client.commands.facts import described

TOLD = {
    "hostname": "db1", "os": "Debian GNU/Linux 12", "kernel": "6.1.0", "arch": "x86_64", "cores": 4, "load": 0.125,
    "memory": 8_000_000_000, "memory_available": 3_200_000_000, "disk": 50_000_000_000, "disk_free": 20_000_000_000,
    "disks": [{"mount": "/", "total": 50_000_000_000, "free": 20_000_000_000}], "colour_of_case": "grey",
}  # fmt: skip


def test_what_belongs_together_stands_in_one_line() -> None:
    assert list(described(TOLD)) == [
        ("hostname", "db1"),
        ("system", "Debian GNU/Linux 12, 6.1.0, x86_64"),
        ("cores", "4, load 0.12"),
        ("memory", "8.0 GB, 3.2 available"),
        ("disk", "50.0 GB, 20.0 free, where the agent works"),
        ("disk /", "50.0 GB, 20.0 free"),
        ("colour of case", "grey"),
    ]


def test_of_a_host_that_told_nothing_nothing_is_said() -> None:
    assert not any(value for _, value in described({}))
