"""Options that a bounty's verbs share: on what terms teams may send, and how long a change waits."""

import math
from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.log import WAIT
from evenhand.bounty.terms import Terms
from evenhand.cli.kinds import Flag
from evenhand.errors import InputError


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """On what terms teams may send.

    Attributes
    ----------
    registration
        Hear only registered teams, who sign what they send.
    commitments
        Take promises by hash first, and then only what was promised: see `evenhand bounty phase`.
    quota
        Most submissions and promises of one team in an epoch; needs --registration.
    """

    registration: Flag = False
    commitments: Flag = False
    quota: int | None = None

    def terms(self) -> Terms:
        """As the log holds them."""
        return Terms(registration=self.registration, commitments=self.commitments, quota=self.quota)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long a change waits for another.

    Attributes
    ----------
    wait
        Seconds to wait while another program changes the bounty.
    """

    wait: float = WAIT

    def opened(self, folder: Path) -> Bounty:
        """The bounty, to be changed."""
        if not (math.isfinite(self.wait) and self.wait >= 0):
            raise InputError(f"--wait is {self.wait}.  Allowed: 0 seconds or more.")
        return Bounty(folder, wait=self.wait)
