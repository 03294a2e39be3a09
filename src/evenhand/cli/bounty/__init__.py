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
    "service": (
        "Let submissions name more services, which the host alone asks.",
        "$ evenhand bounty service chat services.toml",
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
    "key": (
        "Make a pair of keys for a host or a team; nothing is written.",
        "$ evenhand bounty key",
    ),
    "register": (
        "Register a team by its public key, or give a registered one a new key.",
        (
            "$ evenhand bounty register need ada \\\n"
            "    3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        ),
    ),
    "revoke": (
        "Let a team's key sign nothing more; what it signed before stays.",
        "$ evenhand bounty revoke need dora --reason 'her laptop was stolen'",
    ),
    "phase": (
        "Say what is taken from here on: all, promises, what was promised, or nothing.",
        "$ evenhand bounty phase need committing --deadline 'until Friday, 12:00 UTC'",
    ),
    "sign": (
        "Sign a word about a submission, where the team's key is.",
        "$ evenhand bounty sign mine.json --bounty need",
    ),
    "withdraw": (
        "Take a submission back before it is tested; its team's quota counts it.",
        "$ evenhand bounty withdraw need 3f9a2c",
    ),
    "appeal": (
        "Have what ran out of time or memory tested again, once and free of quota.",
        "$ evenhand bounty appeal need 3f9a2c --reason 'the machine was busy'",
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
