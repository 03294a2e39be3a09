"""The house keeps its own rules: one name for one class, modules of a size that is read at once."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "evenhand"
MODULES = sorted(SOURCE.rglob("*.py"))
#: Names that say nothing; a thing without a better one is in the wrong place.
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}
LONGEST = 500


def trees():
    for path in MODULES:
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def test_no_two_classes_have_one_name():
    places = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(str(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_module_has_an_empty_name():
    assert [path for path in MODULES if path.stem in EMPTY_NAMES] == []


def test_no_module_is_longer_than_a_reader_keeps_in_mind():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_own_modules_are_imported_at_the_top_or_deferred_by_name():
    hidden = [
        f"{path}:{node.lineno}"
        for path, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evenhand")
    ]
    assert hidden == []


def test_the_glossary_tells_each_word_once():
    glossary = (SOURCE.parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = Counter(
        line.removeprefix("### ").lower()
        for line in glossary.splitlines()
        if line.startswith("### ")
    )
    assert words.total() > 80
    assert [word for word, number in words.items() if number > 1] == []
