"""Gateways that speak our own messages: nothing to convert, everything to check."""

from twin.adapters.canonical.decode import CanonicalAdapter
from twin.adapters.port import AdapterFactory

adapter: AdapterFactory = CanonicalAdapter

__all__ = ["adapter"]
