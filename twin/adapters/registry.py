"""Finds the adapters by their folders, so that adding a far side is adding a folder."""

import importlib
import pkgutil
from typing import Final, cast

import twin.adapters
from twin.adapters.port import AdapterFactory

ADAPTERS: Final = tuple(sorted(module.name for module in pkgutil.iter_modules(twin.adapters.__path__) if module.ispkg))


def load(name: str) -> AdapterFactory:
    """The factory of the adapter `name`, imported on demand. Raises ValueError for a name without a folder."""
    if name not in ADAPTERS:
        raise ValueError(f"unknown adapter {name!r}; known: {', '.join(ADAPTERS)}")
    return cast("AdapterFactory", importlib.import_module(f"twin.adapters.{name}").adapter)
