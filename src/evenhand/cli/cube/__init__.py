"""``evenhand cube``: count once, add, bring up to date; `audit` reads a cube in place of its rows.

One file a verb; a verb is loaded only when it is called.
"""

from cyclopts import App

cube = App(
    name="cube",
    help="Count records once; add the counts of days and sites, and audit them without the rows.",
    help_format="plaintext",
    help_epilogue=(
        "Examples\n$ evenhand cube count ward.csv --metric 'wer(reference, hypothesis)' \\\n"
        "    --by voice,condition --unit sentence --out ward.cube\n$ evenhand cube show ward.cube"
    ),
)
#: What each verb does, and how it is called.
VERBS = {
    "count": (
        "Count a table, and write the counts to a file.",
        (
            "$ evenhand cube count ward.csv --metric 'wer(reference, hypothesis)' \\\n"
            "    --by voice,condition --unit sentence --out ward.cube"
        ),
    ),
    "merge": (
        "Add the cubes of days, shards or sites.",
        "$ evenhand cube merge north.cube south.cube --out both.cube",
    ),
    "update": (
        "Count the files that a cube does not count yet; only these are read.",
        "$ evenhand cube update calls.cube 'calls/*.parquet'",
    ),
    "share": (
        "Make of a cube one that may leave the house.",
        "$ evenhand cube share ward.cube --out for-others.cube",
    ),
    "show": ("Say what a cube counts.", "$ evenhand cube show ward.cube"),
}
for _name, (_help, _example) in VERBS.items():
    cube.command(
        f"evenhand.cli.cube.{_name}:{_name}",
        name=_name,
        help=_help,
        help_epilogue=f"Examples\n{_example}",
    )
