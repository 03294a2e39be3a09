"""Why a stranger's file, or this machine, is refused."""

from evenhand.errors import InputError


class SubmissionError(InputError):
    """A submission that is refused; `reason` is the code, the message says what to do.

    Parameters
    ----------
    reason : str
        A short code, for example ``operator_not_allowed``.
    message : str
        For the hunter.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(f"Refused [{reason}]: {message}")


class RunnerError(InputError):
    """Where this machine cannot run models at all: no model is to blame for that."""
