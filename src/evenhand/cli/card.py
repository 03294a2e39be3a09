"""``evenhand card``: publish what was measured as one file that others can check.

One file a verb; a verb is loaded only when it is called.
"""

from cyclopts import App

card = App(
    name="card",
    help="Publish what was measured and what people say of a service as one file that others can check.",
    help_format="plaintext",
    help_epilogue=(
        "Examples\n$ evenhand card new service.toml\n$ evenhand card make service.toml --out service.json"
    ),
)
#: What each verb does, and how it is called.
VERBS = {
    "new": (
        "Write a card.toml to fill in, with comments.",
        "$ evenhand card new service.toml",
    ),
    "make": (
        "Make a card from a card.toml and the results that it names.",
        "$ evenhand card make service.toml --out service.json --html service.html",
    ),
}
for _name, (_help, _example) in VERBS.items():
    card.command(
        f"evenhand.cli.card_{_name}:{_name}",
        name=_name,
        help=_help,
        help_epilogue=f"Examples\n{_example}",
    )
