import pytest

from paas_controller.base.addresses import canonical, is_address, is_loopback, is_port, is_unspecified, split_address


@pytest.mark.parametrize(
    "address",
    [
        *("", "3334", ":3334", "host:", "host:http", "host:65536", "host:-1", "host:٣", "300.1.1.1:1", "-x:1"),
        *("http://10.1.1.1:1", "10.1.1.1:99:1", "user@h:1", "10.1.1.1/24:1", "abc def:1", "fe80::1:1", "[10.1.1.1]:1"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT, as in 192"):
        split_address(address)


@pytest.mark.parametrize(
    ("address", "parts"),
    [("h:0", ("h", 0)), ("10.0.0.1:65535", ("10.0.0.1", 65535)), ("[fe80::1]:80", ("fe80::1", 80))],
)
def test_an_address_is_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert split_address(address) == parts


@pytest.mark.parametrize("value", ["10.0.0.1", "::1", "db-1.shop", "localhost", "a" * 63 + ".b"])
def test_one_host_is_known_by_its_address_or_its_name(value: str) -> None:
    assert is_address(value)


@pytest.mark.parametrize(
    "value", ["", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "10.0.0", "-a", "a_b", "a" * 254]
)
def test_what_is_of_no_host_or_of_many_is_no_address_of_one(value: str) -> None:
    assert not is_address(value)


def test_an_address_is_known_in_one_spelling() -> None:
    assert canonical("::ffff:10.0.0.1") == "10.0.0.1"
    assert canonical("2001:DB8:0::1") == "2001:db8::1"
    assert canonical("Db-1") == "Db-1"


def test_what_stays_on_this_machine_is_told_from_what_is_open_to_all() -> None:
    assert all(map(is_loopback, ("localhost", "127.8.0.1", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "db")))
    assert all(map(is_unspecified, ("0.0.0.0", "::")))
    assert not any(map(is_unspecified, ("localhost", "127.0.0.1")))


def test_a_port_is_written_as_a_number_from_1_to_65535() -> None:
    assert all(map(is_port, ("1", "65535")))
    assert not any(map(is_port, ("0", "65536", "080", "+1", "1 ", "\u0663", "")))
