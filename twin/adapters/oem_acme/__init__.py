"""The ACME vendor's cloud: all sites of an account in paged polls, in kW, percent and degF, minutes old."""

from twin.adapters.oem_acme.decode import OemAcmeAdapter
from twin.adapters.port import AdapterFactory

adapter: AdapterFactory = OemAcmeAdapter

__all__ = ["adapter"]
