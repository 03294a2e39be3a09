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
    "verify": (
        "Check a card: its seal, the results beside it, and with the data its numbers.",
        "$ evenhand card verify service.json",
    ),
    "diff": (
        "Say what changed from one card to the next: by group beyond noise, and in words.",
        "$ evenhand card diff service-1.json service-2.json",
    ),
    "index": (
        "List many cards: services and versions, the worst group of each.",
        "$ evenhand card index service.json --html index.html",
    ),
    "export": (
        "Write a card in the formats of others: CycloneDX, Every Eval Ever, Hugging Face and more.",
        "$ evenhand card export service.json --to cyclonedx-1.7 --out service.cdx.json",
    ),
    "schema": ("Print the JSON Schema that every card satisfies.", "$ evenhand card schema"),
}
for _name, (_help, _example) in VERBS.items():
    card.command(
        f"evenhand.cli.card_{_name}:{_name}",
        name=_name,
        help=_help,
        help_epilogue=f"Examples\n{_example}",
    )
