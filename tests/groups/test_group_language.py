"""The group language: text to tree and back, its meaning, and what hostile text gets."""

import time
from operator import eq, ge, gt, le, lt, ne

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenhand.errors import ExpressionError, InputError
from evenhand.groups import (
    And,
    Between,
    ColumnComparison,
    In,
    IsNull,
    Not,
    Or,
    columns_of,
    equals,
    parse_partitions,
    parse_predicate,
    to_expression,
    to_text,
)
from evenhand.records import Column, Kind

COLUMNS = [
    Column(name="age", kind=Kind.INTEGER),
    Column(name="score", kind=Kind.NUMBER),
    Column(name="dialect", kind=Kind.TEXT),
    Column(name="member", kind=Kind.BOOLEAN),
    Column(name="born", kind=Kind.DATE),
    Column(name="select", kind=Kind.TEXT),
    Column(name="two words", kind=Kind.TEXT),
]
OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
NAMES = (
    "age",
    "select",
    "in",
    "NULL",
    "true",
    "a b",
    'a"b',
    "it's",
    '"; DROP TABLE x; --',
    "é",
    "名前",
    "🙂",
    "1st",
    "x,y",
    "--",
    "/*",
    "a\nb",
    "group",
    "user",
    "%",
    "\\",
    "a.b",
    "current_date",
    "N",
    "E",
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        [
            "'",
            "''",
            '"',
            "\\",
            "\\'",
            "%",
            "_",
            "; DROP",
            "--",
            "/*",
            "é",
            "🙂",
            "TRUE",
            "1",
            "NULL",
            "\n",
        ]
    ),
)
numbers = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.sampled_from([0.0, 1e-7, -1e-7, 1e22, 1e300, 5e-324, 0.1, -1]),
)
values = st.one_of(texts, numbers, st.booleans())


def leaves(names, of_values, *, lists=5):
    return st.one_of(
        st.builds(ColumnComparison, names, st.sampled_from(OPERATORS), of_values),
        st.builds(
            In, names, st.lists(of_values, min_size=1, max_size=lists).map(tuple), st.booleans()
        ),
        st.builds(Between, names, of_values, of_values, st.booleans()),
        st.builds(IsNull, names, st.booleans()),
    )


def flat(kind):
    """A conjunction in a conjunction is the same conjunction: the canonical tree has none."""

    def join(parts):
        out = []
        for part in parts:
            out.extend(part.operands if isinstance(part, kind) else [part])
        return kind(tuple(out))

    return join


def trees(leaf, *, size=8):
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(flat(And)),
            st.lists(inner, min_size=2, max_size=3).map(flat(Or)),
        ),
        max_leaves=size,
    )


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    trees(
        leaves(
            st.sampled_from(NAMES)
            | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6),
            values,
        )
    )
)
def test_text_of_a_tree_parses_back_to_the_tree(tree):
    assert parse_predicate(to_text(tree)) == tree


@settings(max_examples=60, deadline=None, derandomize=True)
@given(trees(leaves(st.sampled_from(NAMES), values)))
def test_text_is_a_fixed_point(tree):
    text = to_text(tree)
    assert to_text(parse_predicate(text)) == text


# -- meaning -------------------------------------------------------------------------------------


def truth(tree, row):
    """Plain Python evaluation in Kleene's three values; `None` is unknown."""
    match tree:
        case Not(operand):
            inner = truth(operand, row)
            return None if inner is None else not inner
        case And(operands):
            found = [truth(item, row) for item in operands]
            return False if False in found else None if None in found else True
        case Or(operands):
            found = [truth(item, row) for item in operands]
            return True if True in found else None if None in found else False
        case IsNull(column, negated):
            return (row[column] is None) != negated
    value = row[tree.column]
    if value is None:
        return None
    match tree:
        case ColumnComparison(_, operator, other):
            return dict(zip(OPERATORS, (eq, ne, lt, le, gt, ge), strict=True))[operator](
                value, other
            )
        case In(_, others, negated):
            return (value in others) != negated
        case Between(_, low, high, negated):
            return (low <= value <= high) != negated
    raise AssertionError(tree)


TABLE = [
    {"n": n, "t": t, "b": b}
    for n in (None, -2, 0, 3)
    for t in (None, "", "it's", "é")
    for b in (None, True, False)
]
typed_leaves = st.one_of(
    leaves(st.just("n"), st.integers(-3, 4), lists=3),
    leaves(st.just("t"), st.sampled_from(["", "it's", "é", "zz"]), lists=3),
    leaves(st.just("b"), st.booleans(), lists=2),
)


@pytest.fixture(scope="module")
def engine():
    connection = duckdb.connect()
    connection.register(
        "rows", pa.Table.from_pylist([{**row, "id": i} for i, row in enumerate(TABLE)])
    )
    yield connection
    connection.close()


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(tree=trees(typed_leaves, size=6))
def test_python_duckdb_and_the_reparsed_text_agree_on_three_valued_logic(engine, tree):
    reparsed = parse_predicate(to_text(tree))
    expected = [truth(tree, row) for row in TABLE]
    assert [truth(reparsed, row) for row in TABLE] == expected
    sql = to_expression(tree).sql("duckdb")
    found = engine.execute(f"SELECT {sql} FROM rows ORDER BY id").fetchall()
    assert [value for (value,) in found] == expected


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            "age = 1 OR age = 2 AND age = 3",
            Or(
                (
                    ColumnComparison("age", "=", 1),
                    And((ColumnComparison("age", "=", 2), ColumnComparison("age", "=", 3))),
                )
            ),
        ),
        (
            "not age = 1 and age = 2",
            And((Not(ColumnComparison("age", "=", 1)), ColumnComparison("age", "=", 2))),
        ),
        ("1 < age", ColumnComparison("age", ">", 1)),
        ("'x' != dialect", ColumnComparison("dialect", "!=", "x")),
        ("age <> 1", ColumnComparison("age", "!=", 1)),
        ("age = - 1", ColumnComparison("age", "=", -1)),
        ("score = .5", ColumnComparison("score", "=", 0.5)),
        ("not age between 1 and 2", Between("age", 1, 2, negated=True)),
        ("dialect = 'it''s'", ColumnComparison("dialect", "=", "it's")),
        ("dialect = '\\'", ColumnComparison("dialect", "=", "\\")),
        ("dialect = ''", ColumnComparison("dialect", "=", "")),
        ("((age = 1))", ColumnComparison("age", "=", 1)),
    ],
)
def test_text_means_what_sql_means(text, tree):
    assert parse_predicate(text, COLUMNS) == tree


def test_columns_come_once_in_order_of_appearance():
    assert columns_of(parse_predicate("b = 1 and a = 2 or not b in (3)")) == ("b", "a")


def test_the_missing_value_is_null():
    assert to_text(equals("age", None)) == "age IS NULL"


@pytest.mark.parametrize(
    "word",
    [
        "case",
        "end",
        "interval",
        "date",
        "values",
        "user",
        "cast",
        "map",
        "row",
        "N",
        "é",
        "名",
        "_",
        "if",
    ],
)
def test_a_word_that_sql_reserves_can_name_a_column(word):
    columns = [Column(name=word, kind=Kind.TEXT)]
    for text in (f"{word} = 'x'", f"{word} IN ('x')", f"{word} IS NULL", f"\"{word}\" = 'x'"):
        tree = parse_predicate(text, columns)
        assert columns_of(tree) == (word,)
        assert parse_predicate(to_text(tree), columns) == tree


@pytest.mark.parametrize(
    "word", ["and", "OR", "not", "in", "is", "null", "between", "true", "FALSE"]
)
def test_a_word_of_the_language_names_a_column_in_quotes(word):
    columns = [Column(name=word, kind=Kind.TEXT)]
    tree = parse_predicate(f"\"{word}\" = 'x'", columns)
    assert parse_predicate(to_text(tree), columns) == tree
    with pytest.raises(ExpressionError, match="expected a column name"):
        parse_predicate(f"{word} = 'x'", columns)


# -- what is wrong, and where --------------------------------------------------------------------

WRONG = [
    ("age >= 65 and dialect ~ 'aave'", "~", "expected one of = != < <= > >= IN BETWEEN IS"),
    ("read_csv('/etc/passwd') = 1", "(", "functions are not part of the group language"),
    ("age = 1 and pg_sleep(9) = 1", "(", "functions are not part"),
    ("age = (SELECT 1)", "(", "expected a value"),
    ("age IN (SELECT age FROM x)", "SELECT", "expected a value"),
    ("age = 1; DROP TABLE records", ";", "expected"),
    ("age = 1 -- comment", "--", "expected AND or OR, or the end"),
    ("age = 1 /* comment */", "/*", "expected"),
    ("age = 1 UNION SELECT 1", "UNION", "expected AND or OR, or the end"),
    ("dialect = 'a' 'b'", "'b'", "expected AND or OR, or the end"),
    ("dialect = 'never closed", "'", "never closed"),
    ('"never closed = 1', '"', "never closed"),
    ('dialect = "aave"', '"aave"', "single quotes"),
    ("dialect LIKE 'a%'", "LIKE", "expected one of"),
    ("age::int = 1", "::", "expected one of"),
    ("age = CAST('1' AS INT)", "CAST", "expected a value"),
    ("dialect = E'x'", "E'x'", "expected a value"),
    ("dialect = $$x$$", "$$x", "expected"),
    ("age = NULL", "NULL", "expected a value"),
    ("age = age", "age", "expected a value"),
    ("age == 1", "= 1", "expected a value"),
    ("age = 1 \x00", "\x00", "has no meaning here"),
    ("age ＝ 1", "＝", "has no meaning here"),
    ("age = 1 AND аge = 2", "аge", "unknown column"),  # Cyrillic а
    ("main.age = 1", ".", "has no meaning here"),
    ("age = 1 and", None, "expected a column name"),
    ("age >", None, "expected a value"),
    ("", None, "expected a column name"),
    ("age in ()", ")", "expected a value"),
    ("age in (1,)", ")", "expected a value"),
    ("age in (1 2)", "2", r"expected \)"),
    ("(age = 1", None, r"expected \)"),
    ("age = 1)", ")", "expected AND or OR, or the end"),
    ("age between 1 or 2", "or", "expected AND"),
    ("age is not 1", "1", "expected NULL"),
    ("age = 0x10", "x10", "expected AND or OR, or the end"),
    ("age = 1.2.3", ".3", "expected AND or OR, or the end"),
    ("age = --1", "-1", "expected a value"),
    ("age = @x", "@", "expected"),
    ("age = ٣", "٣", ""),  # an Arabic-Indic three is a digit to Python, not to SQL
    ("age = 1٣", "٣", ""),
    ("age = 1e400", "1e400", ""),  # no double is that large
]


def caret_of(error):
    head, pointer = str(error).rsplit("\n", 1) if "\n" in str(error) else (str(error), "")
    return head, pointer.index("^")


@pytest.mark.parametrize(
    ("text", "part", "message"), WRONG, ids=[text[:40] for text, _, _ in WRONG]
)
def test_the_caret_stands_under_the_first_wrong_character(text, part, message):
    with pytest.raises(ExpressionError, match=message or r"\^") as caught:
        parse_predicate(text, COLUMNS)
    error = caught.value
    place = len(text) if part is None else text.rindex(part)
    assert error.position == place
    if part is not None:
        head, column = caret_of(error)
        assert head[column] == part[0]


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("dialct = 'x'", 0, "Did you mean 'dialect'"),
        ("age = 1\n  AND dialct = 'x'", 14, "Did you mean 'dialect'"),
        ("AGE = 1", 0, "Did you mean 'age'"),
        ("two_words = 'x'", 0, "Did you mean 'two words'"),
        ("dialect = 'unknwn' AND unknwn = 2", 23, "unknown column 'unknwn'"),
        ("age = 'x'", 7, "holds numbers"),
        ("age = TRUE", 6, "holds numbers"),
        ("dialect = 3", 10, "holds text"),
        ("member = 1", 9, "TRUE or FALSE"),
        ("member = 'true'", 10, "TRUE or FALSE"),
        ("born > 'yesterday'", 8, "holds dates"),
        ("born > 3", 7, "holds dates"),
        ("age in (1, 2, 'x')", 15, "holds numbers"),
        ("age between 1 and 'x'", 19, "holds numbers"),
        ("dialect = '5' AND age = '5'", 25, "holds numbers"),
        ("age = 1 AND dialect = 1", 22, "holds text"),
        ("member = true AND age = true", 24, "holds numbers"),
        ("select = 'a' AND \"select\" = 5", 28, "holds text"),
    ],
)
def test_a_name_or_value_that_does_not_fit_is_pointed_at(text, position, message):
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_predicate(text, COLUMNS)
    # A quoted value may be pointed at by its quotation mark or its first character.
    assert caught.value.position in (position, position - (text[position - 1] == "'"))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 4_900 + "age = 1" + ")" * 4_900,
        "NOT " * 2_400 + "age = 1",
        "x" * 10_000_000,
        "dialect = '" + "x" * 10_000_000 + "'",
        "dialect = '" + "''" * 4_900,
        "age = 1 AND (" * 750,
        '"' * 9_999,
        "-" * 9_999,
        "age IN (" + "1," * 4_900,
        "a" * 9_000 + " = 1",
        "/*" * 4_999,
    ],
    ids=lambda text: f"{text[:8]}…{len(text)}",
)
def test_hostile_text_ends_in_an_error_in_under_half_a_second(text):
    started = time.thread_time()  # of this thread alone: others may be busy
    with pytest.raises(ExpressionError, match=r"\^") as caught:
        parse_predicate(text, COLUMNS)
    assert time.thread_time() - started < 0.5
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("depth", [10, 20, 30])
def test_what_the_depth_limit_allows_is_understood(depth):
    """Depth within the stated limit parses, also when the caller's own stack is deep."""
    tree = parse_predicate(
        "age = 1 OR (age = 2 AND (" * (depth // 2) + "age = 1" + "))" * (depth // 2), COLUMNS
    )
    assert parse_predicate(to_text(tree), COLUMNS) == tree


def test_no_text_reaches_the_engine_unquoted():
    hostile = "x' OR 1=1; DROP TABLE t; --"
    sql = to_expression(ColumnComparison('c"; DROP', "=", hostile)).sql("duckdb")
    assert sql == "\"c\"\"; DROP\" = 'x'' OR 1=1; DROP TABLE t; --'"


# -- what --by asks for --------------------------------------------------------------------------


def partitions(by, columns=COLUMNS, **options):
    attributes, found = parse_partitions(by, columns, **options)
    return [a.name for a in attributes], [p.names for p in found]


def test_margins_come_before_their_crossing():
    assert partitions(["dialect,member", "age"])[1] == [
        ("dialect",),
        ("member",),
        ("dialect", "member"),
        ("age",),
    ]


def test_a_column_with_a_comma_in_its_name_is_one_column():
    columns = [Column(name="a,b", kind=Kind.TEXT), Column(name="a", kind=Kind.TEXT)]
    assert partitions("a,b", columns)[0] == ["a,b"]


def test_an_attribute_asked_for_twice_is_one():
    assert partitions(["dialect", "dialect", "dialect,dialect"])[1] == [("dialect",)]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("dialct", "Did you mean 'dialect'"),
        ("", "Unknown column ''"),
        (",", "Unknown column ''"),
        ([], "Say which groups"),
        ([[]], ""),
        ("age >> 3", "expected a value"),
        ("dialect,lentgh", "Unknown column 'lentgh'"),
        (None, ""),
        (3, ""),
        ([3], ""),
    ],
)
def test_a_by_that_names_nothing_is_refused(by, message):
    with pytest.raises(InputError, match=message or r"\w"):
        parse_partitions(by, COLUMNS)


@pytest.mark.parametrize(
    "edges",
    [
        [3, 1],
        [1, 1],
        [float("nan")],
        [1, float("nan"), 2],
        [float("inf")],
        ["a"],
        "abc",
        2.5,
        -2,
        True,
        0,
    ],
    ids=str,
)
def test_bins_that_cannot_be_cut_are_refused(edges):
    with pytest.raises(InputError, match="age"):
        parse_partitions("age", COLUMNS, bins={"age": edges})


def test_predicates_of_bins_cover_the_line_once():
    ((attribute,), _) = parse_partitions("score", COLUMNS, bins={"score": [0.25, 10]})
    trees_ = [attribute.predicate_for(key) for key in (0, 1, 2)]
    for value in (-1e9, 0.2499, 0.25, 9.99, 10, 1e9):
        assert sum(truth(tree, {"score": value}) is True for tree in trees_) == 1
    assert [to_text(tree) for tree in trees_] == [
        "score < 0.25",
        "score >= 0.25 AND score < 10",
        "score >= 10",
    ]


def test_a_bin_without_edges_still_has_a_predicate_and_a_label():
    ((attribute,), _) = parse_partitions("score", COLUMNS, bins={"score": []})
    text = to_text(attribute.predicate_for(0))
    assert parse_predicate(text, COLUMNS) is not None
    assert not str(attribute.label_for(0)).startswith(" ")
