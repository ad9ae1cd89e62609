"""Modules that load at first use, so that a command imports only what it needs."""

from __future__ import annotations

import importlib
from types import ModuleType


class LazyModule(ModuleType):
    """Stands in for a module until one of its attributes is asked for."""

    def __getattr__(self, name: str) -> object:
        module = importlib.import_module(self.__name__)
        value = getattr(module, name)
        if not name.startswith("__"):
            self.__dict__[name] = value
        return value


def lazy(name: str) -> ModuleType:
    """A stand-in for the module `name`; importing happens on the first attribute access."""
    return LazyModule(name)
