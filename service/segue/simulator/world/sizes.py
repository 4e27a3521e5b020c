"""How much a session holds: the sizes of all that can be reached from it and belongs to it alone."""

import sys
from collections import deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from segue.core.options import Options
from segue.core.policy import Policy
from segue.core.profiles import Profile

# What all sessions share, or what is no memory of a conversation.
_SHARED = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType, Enum, Options, Policy, Profile)
_ATOMS = (str, bytes, bytearray, memoryview, int, float, bool, type(None))


def held_bytes(session: object) -> int:
    """Return the sizes of everything that a session keeps, in bytes; what it keeps in two places counts once."""
    seen: set[int] = set()
    slots: dict[type, list[str]] = {}
    waiting: list[Any] = [session]
    total = 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _SHARED):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        if isinstance(thing, _ATOMS):
            continue
        if isinstance(thing, dict):
            waiting += thing.keys()
            waiting += thing.values()
        elif isinstance(thing, list | tuple | set | frozenset | deque):
            waiting += thing
        else:
            waiting += vars(thing).values() if hasattr(thing, "__dict__") else ()
            kind = type(thing)
            if kind not in slots:
                slots[kind] = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
            waiting += [getattr(thing, name) for name in slots[kind] if hasattr(thing, name)]
    return total
