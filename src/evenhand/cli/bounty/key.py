"""``evenhand bounty key``: make a pair of keys."""

from evenhand.bounty.keys import HOST_KEY, TEAM_KEY, new_secret, public_of
from evenhand.bounty.telling.logged import KeyPair
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing


def key(*, output: Printing = Printing()) -> int:
    """Make a pair of keys and print both halves; nothing is written.

    The secret half goes into the environment of its owner, as EVENHAND_HOST_KEY of who runs a bounty, or
    EVENHAND_TEAM_KEY of who sends to one.  The public half is for everyone.
    """
    secret = new_secret()
    pair = KeyPair(secret=secret, public=public_of(secret))
    if output.json:
        show_json(pair)
    else:
        # Whole lines, however narrow the terminal: they are copied.
        print(f"public: {pair.public}\nsecret: {pair.secret}")
        say(f"Nothing was written.  A host exports the secret as {HOST_KEY}, a team as {TEAM_KEY}.")
    return 0
