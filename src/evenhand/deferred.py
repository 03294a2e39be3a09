"""Heavy libraries, each loaded when it is first used; the one place where loading is put off.

``from evenhand.deferred import special`` gives a module that stands for `scipy.special` and loads it
at its first attribute.  Type checkers see the real one.  Why, and what was refused:
``docs/decisions/012-start-up.md``.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import duckdb
    import jinja2
    import narwhals
    import pyarrow
    import sqlglot
    from pyarrow import compute, parquet
    from scipy import optimize, signal, sparse, special

__all__ = [
    "compute",
    "duckdb",
    "jinja2",
    "narwhals",
    "optimize",
    "parquet",
    "pyarrow",
    "signal",
    "sparse",
    "special",
    "sqlglot",
]

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


class _WithoutPandas:
    """A finder that finds pandas nowhere."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("The command line does without pandas.", name=name)


def hide_pandas() -> None:
    """Hide pandas from this process: pyarrow loads it wherever it is installed (0.6 s) for nothing."""
    sys.meta_path.insert(0, _WithoutPandas())


def show_pandas() -> None:
    """Let pandas be found again, for a library that does not do without."""
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not isinstance(finder, _WithoutPandas)
    ]


if not TYPE_CHECKING:
    jinja2 = Deferred("jinja2")
    duckdb = Deferred("duckdb")
    narwhals = Deferred("narwhals")
    pyarrow = Deferred("pyarrow")
    compute = Deferred("pyarrow.compute")
    parquet = Deferred("pyarrow.parquet")
    optimize = Deferred("scipy.optimize")
    signal = Deferred("scipy.signal")
    sparse = Deferred("scipy.sparse")
    special = Deferred("scipy.special")
    sqlglot = Deferred("sqlglot")
