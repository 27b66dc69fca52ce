"""How a broker's password and authority reach a process without standing on its command line."""

from pathlib import Path

import pytest

from twin.bus.url import BrokerUrl, tls_context

URL = "mqtts://hg_twin@mosquitto:8883"


def test_a_user_without_a_password_takes_it_from_the_named_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret:/@\n")
    environment = {"HEARTHGRID_BROKER_PASSWORD_FILE": str(file), "HEARTHGRID_BROKER_PASSWORD": "another"}
    found = BrokerUrl.parse(URL, environment=environment)
    assert (found.user, found.password) == ("hg_twin", "s3cret:/@")
    assert "s3cret" not in f"{found!r} {found}"


def test_without_a_file_the_environment_itself_may_hold_it() -> None:
    assert BrokerUrl.parse(URL, environment={"HEARTHGRID_BROKER_PASSWORD": "s3cret"}).password == "s3cret"
    assert BrokerUrl.parse(URL, environment={}).password is None


def test_a_password_in_the_address_wins_and_nobody_unnamed_gets_one() -> None:
    environment = {"HEARTHGRID_BROKER_PASSWORD": "s3cret"}
    assert BrokerUrl.parse("mqtt://a:b@host", environment=environment).password == "b"
    assert BrokerUrl.parse("mqtt://host", environment=environment).password is None


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    environment = {"HEARTHGRID_BROKER_PASSWORD_FILE": str(tmp_path / "none")}
    with pytest.raises(ValueError, match=r"HEARTHGRID_BROKER_PASSWORD_FILE=.*none.*a readable text file is allowed"):
        BrokerUrl.parse(URL, environment=environment)


def test_an_authority_from_the_environment_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("no certificate")
    with pytest.raises(ValueError, match=r"CA file .*authority\.pem"):
        tls_context(environment={"HEARTHGRID_BROKER_CA_FILE": str(file)})
