"""Heavy libraries, each loaded when it is first used; the one place where loading is put off.

``from evenhand.deferred import special`` gives a module that stands for `scipy.special` and loads it
at its first attribute.  Type checkers see the real one.  Why, and what was refused:
``docs/decisions/012-start-up.md``.
"""

import atexit
import contextlib
import gc
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    import multiprocessing
    import platform
    import tomllib
    from concurrent.futures import process
    from importlib import metadata

    import duckdb
    import jinja2
    import msgspec
    import narwhals
    import numpy
    import pyarrow
    import sqlglot
    from pyarrow import compute, parquet
    from scipy import optimize, signal, sparse, special

__all__ = [
    "compute",
    "duckdb",
    "jinja2",
    "metadata",
    "msgspec",
    "multiprocessing",
    "narwhals",
    "numpy",
    "optimize",
    "parquet",
    "platform",
    "process",
    "pyarrow",
    "signal",
    "sparse",
    "special",
    "sqlglot",
    "tomllib",
]

_Value = TypeVar("_Value")
#: Parts of numpy that scipy loads along with its own (`from numpy import *`), and nothing here reads:
#: 45 of the 100 ms that `scipy.special` takes.
SPARED = ("numpy.f2py", "numpy.ma", "numpy.polynomial", "numpy.testing")


class Deferred(ModuleType):
    """A module that is imported when the first of its names is asked for.

    Attributes that were found stay, so that each costs one look-up.  Any thread may be the first: the
    import system locks.

    Attributes
    ----------
    spared : tuple of str
        What is put off for all before scipy loads; a process that is ours alone sets it to `SPARED`.
    """

    spared: ClassVar[tuple[str, ...]] = ()

    def __getattr__(self, name: str) -> Any:
        """A name of the module, which is loaded for it."""
        if name.startswith("__") and name != "__version__":
            # Inspectors ask every object for such names; that is no use of the library.
            raise AttributeError(f"{self.__name__} is not asked for {name} here", name=name)
        if self.__name__.startswith("scipy.") and "scipy" not in sys.modules:
            for part in Deferred.spared:
                put_off(part)
        value = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def put_off(name: str) -> None:
    """Let others import a submodule without its being run before they read a name of it.

    Unlike `Deferred` this is seen by everyone, which is what it is for; the standard library's lazy
    loader runs the module at the first access, whoever makes it.  In Python 3.11 two threads may not be the
    first at once, so only a process that is ours (the command line) may ask for it.
    """
    parent, _, tail = name.rpartition(".")
    holder = importlib.import_module(parent)
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    setattr(holder, tail, module)


class Catalogue(Mapping[str, _Value], Generic[_Value]):
    """Values by name; names are known at once, and a value is loaded when it is asked for."""

    __slots__ = ("_load", "_names")

    def __init__(self, names: tuple[str, ...], load: Callable[[str], _Value]) -> None:
        self._names = names
        self._load = load

    def __getitem__(self, name: str) -> _Value:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Without:
    """A finder that finds a package nowhere."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == self.package:
            raise ModuleNotFoundError(f"The command line does without {name}.", name=name)


def hide_pandas() -> None:
    """Hide pandas from this process: pyarrow loads it wherever it is installed (0.6 s) for nothing."""
    sys.meta_path.insert(0, _Without("pandas"))


def own_process() -> None:
    """Spare what a process that is ours alone, as the command line's is, can do without."""
    hide_pandas()
    # Matrices here are small: threads of the linear algebra cost more than they give.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Loading modules makes many objects and no garbage: look for it less often.
    gc.set_threshold(100_000, 50, 50)
    Deferred.spared = SPARED
    # The process ends with all of them: nobody need look through them for garbage then (40 ms).
    atexit.register(gc.freeze)


def show_pandas() -> None:
    """Let pandas be found again, for a library that does not do without."""
    sys.meta_path[:] = [
        finder
        for finder in sys.meta_path
        if not (isinstance(finder, _Without) and finder.package == "pandas")
    ]


@contextlib.contextmanager
def small_arrow() -> Iterator[None]:
    """Let Arrow load small, where it writes one table and nobody will ask it for an array.

    It does without numpy (0.14 s, 12 MB) and without a pool of memory (6 MB), for as long as the process
    lives: so only in a process that is ours alone (see `own_process`), and only where neither is loaded yet.
    """
    if not Deferred.spared or not sys.modules.keys().isdisjoint(("numpy", "pyarrow")):
        yield
        return
    finder = _Without("numpy")
    sys.meta_path.insert(0, finder)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


if not TYPE_CHECKING:
    jinja2 = Deferred("jinja2")
    duckdb = Deferred("duckdb")
    msgspec = Deferred("msgspec")
    narwhals = Deferred("narwhals")
    numpy = Deferred("numpy")
    pyarrow = Deferred("pyarrow")
    compute = Deferred("pyarrow.compute")
    parquet = Deferred("pyarrow.parquet")
    optimize = Deferred("scipy.optimize")
    signal = Deferred("scipy.signal")
    sparse = Deferred("scipy.sparse")
    special = Deferred("scipy.special")
    sqlglot = Deferred("sqlglot")
    # Of the standard library, what a run of calls needs seldom or never: 60 ms.
    metadata = Deferred("importlib.metadata")
    multiprocessing = Deferred("multiprocessing")
    platform = Deferred("platform")
    process = Deferred("concurrent.futures.process")
    tomllib = Deferred("tomllib")
