"""A Python function as a service: scikit-learn, Hugging Face pipelines, anything that runs here."""

import hashlib
import importlib
import secrets
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.errors import InputError, near
from evenhand.samples.sample import Kind
from evenhand.services.service import Answer, Request, ServiceError, plain_answer
from evenhand.services.source import module_digest


@dataclass(slots=True, kw_only=True)
class FunctionService:
    """A function of the media (or of the request) that returns the output.

    A pipeline is such a function: ``FunctionService(name="sentiment", function=pipeline)``; what it
    returns may be a text, a number, a mapping, an `Answer`, or a list with one of them in it.

    Attributes
    ----------
    name : str
    function : callable or str
        ``module:name`` is imported where it is used, so that other processes can do it too.
    whole : bool
        Pass the whole `Request`, not its media alone.
    revision : str
        What changes when the function's answers do, for example the model's version.  The code of
        a plain function, its module and the modules beside that enter the content address by
        themselves; files that it reads, and installed packages, do not.
    """

    name: str
    function: Callable[[Any], Any] | str
    whole: bool = False
    revision: str = ""
    version: str = field(init=False)

    def __post_init__(self) -> None:
        function = import_function(self.function)
        self.version = (
            f"{_identity(function)} {_digest(function, self.revision)} {self.revision}".strip()
        )

    def answer_now(self, request: Request) -> Answer:
        """Call the function; what it raises becomes the row's reason."""
        function = import_function(self.function)
        start = time.monotonic()
        try:
            found = function(request if self.whole else request.media)
        except ServiceError:
            raise
        except Exception as error:  # noqa: BLE001 - it is somebody else's code
            said = f"{type(error).__name__}: {error} ({_where(error)})"
            raise ServiceError("exception", said) from None
        seconds = time.monotonic() - start
        return found if isinstance(found, Answer) else plain_answer(plain(found), seconds=seconds)


def import_function(given: Callable[[Any], Any] | str) -> Callable[[Any], Any]:
    """Function behind ``module:name``.

    Raises
    ------
    InputError
        Where there is none.

    Examples
    --------
    >>> import_function("json:dumps")([1])
    '[1]'
    """
    if callable(given):
        return given
    module_name, _, name = given.partition(":")
    if not module_name or not name:
        raise InputError(f"{given!r} names no function.  Write module:function")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(f"{given!r}: {error}.  {_next_step(module_name, error)}") from error
    except (Exception, SystemExit) as error:  # a module is code of any kind
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        where = "" if isinstance(error, SyntaxError) else f" ({_where(error)})"
        raise InputError(
            f"{given!r}: {module_name!r} cannot be imported: {said}{where}.  "
            f"See it by itself: python -c 'import {module_name}'"
        ) from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module_name} has no {name!r}.{near(part, dir(found))}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{given!r} is no function but {type(found).__name__}.")
    return found  # type: ignore[no-any-return]


def _next_step(module_name: str, error: ImportError) -> str:
    """What to do about a module that is not there, or that needs one that is not there."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and (module_name == missing or module_name.startswith(missing + ".")):
        return "Is the module on PYTHONPATH?"
    if missing is not None:
        return f"{module_name!r} imports it: install what brings it into {sys.executable}."
    return f"See it by itself: python -c 'import {module_name}'"


def plain(found: Any) -> Any:
    """Output as plain Python: arrays and numpy numbers become numbers, a list of one its item."""
    if hasattr(found, "tolist"):
        found = found.tolist()
    if isinstance(found, list | tuple) and len(found) == 1:
        return plain(found[0])
    if isinstance(found, dict):
        return {str(name): plain(value) for name, value in found.items()}
    return found


def _identity(function: Any) -> str:
    owner = function if hasattr(function, "__qualname__") else type(function)
    return f"{owner.__module__}:{owner.__qualname__}"


def _digest(function: Any, revision: str) -> str:
    """What tells one function from another: its code, its module's source and those beside it.

    Objects and closures hold state that nobody can compare: without a revision, their answers are
    not taken for those of an earlier run.
    """
    source = module_digest(function)
    code = getattr(function, "__code__", None)
    if code is None or code.co_freevars:
        return source if revision else f"{source} {secrets.token_hex(8)}".strip()
    digest = hashlib.sha256()
    for each in _called(function):
        digest.update(_written(each).encode())
    return f"{digest.hexdigest()[:16]} {source}".strip()


def _called(function: Any) -> Iterator[types.CodeType]:
    """Code of a function, and of the functions of its own module that it names, however far."""
    waiting, seen = [function], set()
    while waiting:
        each = waiting.pop(0)
        code = each.__code__
        if code in seen:
            continue
        seen.add(code)
        yield code
        names = {name for inner in _nested(code) for name in inner.co_names}
        found = [each.__globals__.get(name) for name in sorted(names)]
        waiting += [
            other
            for other in found
            if isinstance(other, types.FunctionType) and other.__module__ == function.__module__
        ]


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def _written(code: types.CodeType) -> str:
    constants = [_written(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code, constants, code.co_names))


def _where(error: BaseException) -> str:
    """File and line that an error came from, for whoever wrote the function."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    own = [f for f in traceback.extract_tb(error.__traceback__)[1:] if not _installed(f.filename)]
    frame = own[-1] if own else frame
    return f"{Path(frame.filename).name}, line {frame.lineno}"


def _installed(filename: str) -> bool:
    return "site-packages" in filename or "lib/python" in filename or filename.startswith("<frozen")


@dataclass(slots=True, kw_only=True)
class EstimatorService:
    """A fitted scikit-learn estimator over rows of a table.

    Attributes
    ----------
    name : str
    estimator : Any
        Has ``predict``, and ``predict_proba`` where probabilities are wanted.
    features : tuple of str
        Columns in the order of training.
    positive : Any, optional
        Class whose probability is the ``score``; the last of two by default.
    """

    name: str
    estimator: Any
    features: tuple[str, ...]
    positive: Any = None
    revision: str = ""
    kind: Kind = "table"
    version: str = field(init=False)

    def __post_init__(self) -> None:
        import pickle  # noqa: PLC0415 - written only, to tell one fitted model from another

        digest = hashlib.sha256(pickle.dumps(self.estimator)).hexdigest()[:16]
        self.version = f"{type(self.estimator).__name__} {digest} {self.features} {self.revision}"

    def answer_now(self, request: Request) -> Answer:
        """Predict one row."""
        absent = [name for name in self.features if name not in request.media]
        if absent:
            raise ServiceError("no_feature", f"the row has no {', '.join(absent)}")
        start = time.monotonic()
        row = [[request.media[name] for name in self.features]]
        try:
            output = {"label": plain(self.estimator.predict(row))}
            if hasattr(self.estimator, "predict_proba"):
                classes = list(self.estimator.classes_)
                place = classes.index(self.positive) if self.positive is not None else -1
                output["score"] = plain(self.estimator.predict_proba(row)[0])[place]
        except (ValueError, TypeError) as error:
            raise ServiceError("exception", f"{type(error).__name__}: {error}") from None
        return plain_answer(output, seconds=time.monotonic() - start)
