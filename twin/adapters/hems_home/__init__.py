"""Home energy management systems that report each home in one document, in the words of home energy managers."""

from twin.adapters.hems_home.decode import HemsHomeAdapter
from twin.adapters.port import AdapterFactory

adapter: AdapterFactory = HemsHomeAdapter

__all__ = ["adapter"]
