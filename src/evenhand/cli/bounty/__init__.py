"""``evenhand bounty``: outsiders' better models, accepted only with proof, merged safely.

One file a verb; a verb is loaded only when it is called.
"""

from cyclopts import App

bounty = App(
    name="bounty",
    help="Let outsiders submit better models, accept what is proven, and merge it.",
    help_format="plaintext",
    help_epilogue="Examples\n$ evenhand bounty init --help\n$ evenhand bounty status need",
)
#: What each verb does, and how it is called.
VERBS = {
    "init": (
        "Begin a bounty in a new directory.",
        (
            "$ evenhand bounty init need --train train.csv --practice practice.csv \\\n"
            "    --sealed sealed.csv --label need --constant low"
        ),
    ),
    "submit": (
        "Send a group and a better model for it; or a group alone, and the patch is trained here.",
        "$ evenhand bounty submit need --team ada --group 'age >= 60' --constant high",
    ),
    "status": (
        "Show what was accepted, what it is worth, and what the ledger has left.",
        "$ evenhand bounty status need --html need.html",
    ),
    "close": (
        "Close the epoch: open one sealed block and test all that was submitted.",
        "$ evenhand bounty close need",
    ),
    "vouch": (
        "Let a waiting submission be tested that practice rows speak strongly against.",
        "$ evenhand bounty vouch need 3f9a2c --reason 'practice rows are of last year'",
    ),
    "confirm": (
        "Make rewards final by fresh labelled rows.",
        "$ evenhand bounty confirm need fresh.csv",
    ),
    "hunt": (
        "Let automatic hunters submit, and close the epoch, until none is accepted.",
        "$ evenhand bounty hunt need --hunter slices --rounds 2",
    ),
    "export": (
        "Write the patched model as a directory, and as one ONNX file where all parts allow it.",
        "$ evenhand bounty export need --out model",
    ),
    "verify": (
        "Re-play the whole log and prove the current model and leaderboard from it.",
        "$ evenhand bounty verify need",
    ),
    "explain": (
        "Say why a row is answered as it is: whose update decided, through which groups.",
        "$ evenhand bounty explain need fresh.csv --row 3",
    ),
    "rollback": (
        "Take an accepted update out of the model; its place in the log is kept.",
        "$ evenhand bounty rollback need 3f9a2c --reason 'ada asked for it'",
    ),
}
for _name, (_help, _example) in VERBS.items():
    bounty.command(
        f"evenhand.cli.bounty.{_name}:{_name}",
        name=_name,
        help=_help,
        help_epilogue=f"Examples\n{_example}",
    )
