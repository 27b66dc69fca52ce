"""A real InfluxDB 2 for tests, named by environment variables; without them what needs it is skipped.

HEARTHGRID_TEST_INFLUX_URL, HEARTHGRID_TEST_INFLUX_TOKEN and HEARTHGRID_TEST_INFLUX_ORG (default hearthgrid). Every use
gets buckets of its own, which are removed after it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from twin.clock import WallClock
from twin.store.influx.address import Address
from twin.store.influx.client import Influx
from twin.store.influx.layout import Retention
from twin.store.influx.setup import prepare_buckets, remove

FOR_EVER = Retention(raw=None, minutes=None, quarters=None)

_NUMBERS = count()


def server(bucket: str) -> Address:
    """Buckets of that name on the server that tests may use; the test is skipped when there is none."""
    url, token = os.environ.get("HEARTHGRID_TEST_INFLUX_URL"), os.environ.get("HEARTHGRID_TEST_INFLUX_TOKEN", "")
    if not url:
        pytest.skip("no InfluxDB: HEARTHGRID_TEST_INFLUX_URL is not set")
    org = os.environ.get("HEARTHGRID_TEST_INFLUX_ORG", "hearthgrid")
    return Address(url=url, org=org, bucket=bucket, token=token)


@contextmanager
def fresh_buckets(retention: Retention = FOR_EVER) -> Iterator[Address]:
    """A set of buckets of one's own, without tasks.

    A server may fall over (2.9.1 does) when a bucket is removed while a task reads it.
    """
    address = server(f"test-{os.getpid()}-{next(_NUMBERS)}")
    influx = Influx(address, WallClock())
    try:
        prepare_buckets(influx, retention)
        try:
            yield address
        finally:
            remove(influx)
    finally:
        influx.close()
