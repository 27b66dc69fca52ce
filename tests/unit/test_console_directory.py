"""What people type finds homes, devices, endpoints and pages, the most likely first."""

from tests.builders import small_pilot
from twin.console.directory import PAGES, Directory, Found

DIRECTORY = Directory(small_pilot(homes=4))


def names(asked: str, limit: int = 100) -> list[str]:
    return [found.name for found in DIRECTORY.find(asked, limit)]


def test_a_home_comes_before_what_is_in_it() -> None:
    assert names("h2")[0] == "h2"
    assert "h2-battery" in names("H2")


def test_every_word_must_fit_and_order_does_not_matter() -> None:
    assert names("battery h3") == names("h3 battery") == ["h3-battery"]


def test_words_beside_the_name_count_too() -> None:
    assert {found.what for found in DIRECTORY.find("gateway", 100)} == {"Endpoint"}
    assert names("solar") == [f"h{number}-pv" for number in range(1, 5)]


def test_pages_are_found_by_name() -> None:
    assert DIRECTORY.find("twin hea", 5) == [Found(what="Page", name="Twin health", beside="", page="/health")]
    assert all(DIRECTORY.find(name, 1)[0].page == page for page, name in PAGES)


def test_no_words_find_nothing_and_no_more_are_given_than_asked_for() -> None:
    assert names("   ") == []
    assert names("nobody at all") == []
    assert len(names("h", 3)) == 3
