"""Where an InfluxDB is, as the user writes it; a token is never part of it."""

from pathlib import Path

import pytest

from twin.store.influx.address import address

TOKEN = {"HEARTHGRID_INFLUX_TOKEN": "s3cret"}


def test_an_address_says_where_and_what() -> None:
    found = address("influx:http://db.example:8087?org=lab&bucket=elm", TOKEN)

    assert (found.url, found.org, found.bucket, found.token) == ("http://db.example:8087", "lab", "elm", "s3cret")
    assert "s3cret" not in f"{found!r} {found}"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("influx:http://localhost", "http://localhost:8086"),
        ("influx:https://db.example/", "https://db.example:443"),
        ("influx:http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_what_is_left_out_has_its_usual_value(given: str, url: str) -> None:
    found = address(given, TOKEN)

    assert (found.url, found.org, found.bucket) == (url, "hearthgrid", "hearthgrid")


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")

    found = address("influx:http://db", {**TOKEN, "HEARTHGRID_INFLUX_TOKEN_FILE": str(tmp_path / "token")})

    assert found.token == "from-file"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("influx:", "no address of an InfluxDB"),
        ("influx:db.example:8086", "no address of an InfluxDB"),
        ("influx:ftp://db", "no address of an InfluxDB"),
        ("influx:http://db:99999", "port"),
        ("influx:http://db/api", "path"),
        ("influx:http://db?burket=secret", "unknown parameter 'burket'.*known: org, bucket"),
        ("influx:http://db?bucket=", "empty or stands there twice"),
        ("influx:http://db?org=secret&org=b", "empty or stands there twice"),
        ("influx:http://me:secret@db", "HEARTHGRID_INFLUX_TOKEN"),
        ("influx:http://db?token=secret", "HEARTHGRID_INFLUX_TOKEN"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_what_may_be_secret(given: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        address(given, TOKEN)

    assert "secret" not in str(refused.value)


def test_a_missing_token_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set HEARTHGRID_INFLUX_TOKEN, or HEARTHGRID_INFLUX_TOKEN_FILE"):
        address("influx:http://db", {})
    with pytest.raises(ValueError, match="cannot be read"):
        address("influx:http://db", {"HEARTHGRID_INFLUX_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(ValueError, match="characters that no token has") as refused:
        address("influx:http://db", {"HEARTHGRID_INFLUX_TOKEN": "a\nb"})
    assert "a\nb" not in str(refused.value)
