"""The store under contract, opened on each arm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import small_pilot
from tests.contract.store_arms import STORES, Open
from twin.store.port import Store


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the store, as often as a test likes; the last one is closed at the end."""
    with STORES[request.param](tmp_path) as opener:
        opened: list[Store] = []

        def opening() -> Store:
            for store in opened:
                store.close()
            opened[:] = [opener(small_pilot())]
            return opened[0]

        yield opening
        for store in opened:
            store.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    return open_store()
