"""Hunt by machine: rounds of automatic hunters until nothing more is accepted or the ledger is spent."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.hunting.ground import Hunter, HuntingGround
from evenhand.bounty.hunting.patch import train_patch
from evenhand.bounty.hunting.round import Catch, HuntStep, Round
from evenhand.bounty.judging.practice import Practice
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.submission import read_submission
from evenhand.errors import InputError

#: Reasons after which no further submission can be taken.
_OVER = (
    *("budget_spent", "epoch_closing"),
    *("unregistered", "committing", "not_promised", "closed"),
)


def hunt(
    bounty: Bounty,
    hunters: Mapping[str, Hunter],
    *,
    rounds: int = 1,
    passes: int = 3,
    close: bool = True,
    progress: Callable[[HuntStep], None] | None = None,
) -> tuple[Round, ...]:
    """Let hunters submit and close the epoch, round by round.

    Parameters
    ----------
    bounty : Bounty
    hunters : mapping of str to Hunter
    rounds : int
        At most so many; each opens one sealed block.  It ends before where a round
        has nothing accepted or the ledger is spent.
    passes : int
        Within a round hunters look again after their own promising submissions, as if those had
        been accepted: practice rows decide what is promising.
    close : bool
        False only submits: somebody else closes the epoch.
    progress : callable, optional
        Told each step.
    """
    if bounty.task.asks is not None:
        raise InputError("Hunters fit models to features; this bounty asks services.")
    if rounds < 1 or passes < 1:
        raise InputError("A hunt has at least 1 round of 1 pass.")
    done: list[Round] = []
    for number in range(1, rounds + 1):
        if bounty.account().reason is not None:
            break
        tally = _Tally(number, progress or (lambda _: None))
        done.append(_round(bounty, hunters, passes, close, tally))
        if not close or not done[-1].accepted:
            break
    return tuple(done)


@dataclass(slots=True)
class _Tally:
    """Counts of a round while it goes on."""

    number: int
    progress: Callable[[HuntStep], None]
    sent: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    notes: list[str] = field(default_factory=list)

    def tell(self, hunter: str, note: str = "") -> None:
        self.progress(
            HuntStep(
                round=self.number,
                hunter=hunter,
                sent=self.sent.total(),
                refused=self.refused,
                accepted=self.accepted.total(),
                note=note,
            )
        )

    def ended(self) -> Round:
        catches = tuple(
            Catch(team=team, sent=count, accepted=self.accepted[team])
            for team, count in self.sent.items()
        )
        return Round(
            round=self.number,
            teams=catches,
            accepted=self.accepted.total(),
            refused=self.refused,
            notes=tuple(self.notes),
        )


def _round(
    bounty: Bounty, hunters: Mapping[str, Hunter], passes: int, close: bool, tally: _Tally
) -> Round:
    for name, data, note in _prey(bounty, hunters, passes):
        if data is None:
            tally.notes.append(f"{name}: {note}")
            tally.tell(name, note)
            continue
        try:
            receipt = bounty.submit(data, trainer=train_patch)
        except SubmissionError as error:
            if error.reason in _OVER:
                tally.notes.append(str(error))
                break
            tally.refused += 1
        else:
            team = bounty.load(receipt.key).team
            tally.sent[team] += 1
        tally.tell(name)
    if close and bounty.state.pending:
        tally.tell("")
        for verdict in bounty.close_epoch():
            tally.accepted[bounty.load(verdict.key).team] += verdict.accepted
        tally.tell("")
    return tally.ended()


def _prey(
    bounty: Bounty, hunters: Mapping[str, Hunter], passes: int
) -> Iterator[tuple[str, bytes | None, str]]:
    """Submissions of all hunters, pass by pass; without data, why a hunter gave up."""
    train, runner = bounty.data("train"), bounty.runner
    practice = bounty.data("practice")
    listed = bounty.state.listed
    for _ in range(passes):
        seen = HuntingGround(
            task=bounty.task,
            matrix=train.matrix,
            labels=train.labels,
            predictions=listed.predict(train.matrix, runner),
        )
        promising = False
        for name, hunter in hunters.items():
            try:
                for data in hunter(seen):
                    given = read_submission(data, bounty.task)
                    judge = Practice(listed, practice, runner)
                    gain, error, _ = judge.exact(given.group, given.model)
                    if gain <= 0:
                        # What does not help on the practice rows would only be one test more.
                        continue
                    yield name, data, ""
                    # As if it were accepted: the next pass looks for what is still wrong then.
                    if error is not None and gain > 2 * error:
                        listed = listed.updated(
                            given.group, given.model, team=given.team, key=given.key
                        )
                        promising = True
            except InputError as error:
                yield name, None, str(error)
        if not promising:
            return
