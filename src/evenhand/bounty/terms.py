"""On what terms teams may send: who is asked to register, how much each may send, what is promised first."""

from dataclasses import dataclass
from typing import Literal

from evenhand.errors import InputError

#: What is taken now: all; promises only; what was promised only; nothing.
Phase = Literal["open", "committing", "revealing", "closed"]
PHASES = ("open", "committing", "revealing", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms teams may send; fixed when a bounty begins.

    Attributes
    ----------
    quota : int or None
        Most submissions and promises of one team in an epoch; withdrawn ones count.
    registration : bool
        Whether only registered teams are heard, and sign what they send.
    commitments : bool
        Whether a submission must be promised by its hash before any is shown.
    """

    quota: int | None = None
    registration: bool = False
    commitments: bool = False

    def __post_init__(self) -> None:
        if self.quota is None:
            return
        if isinstance(self.quota, bool) or not 1 <= self.quota <= 1_000_000:
            raise InputError(f"quota is {self.quota!r}.  Allowed: from 1 to 1000000.")
        if not self.registration:
            raise InputError(
                f"quota is {self.quota}, but whoever wants more takes another name where nobody registers.  "
                "Ask for registration too: --registration."
            )

    @property
    def first_phase(self) -> Phase:
        """What is taken when the bounty begins."""
        return "committing" if self.commitments else "open"
