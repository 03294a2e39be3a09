"""Hunt by machine: rounds of automatic hunters until nothing more is accepted or the ledger is spent."""

from collections.abc import Callable, Iterator, Mapping

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.hunting.ground import Hunter, HuntingGround
from evenhand.bounty.hunting.patch import train_patch
from evenhand.bounty.hunting.round import HuntStep, Round, round_of
from evenhand.bounty.judging.practice import Practice
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.submission import read_submission
from evenhand.errors import InputError

#: Reasons after which no further submission can be taken.
_OVER = ("budget_spent", "epoch_closing")


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
        At most so many; in epochs mode each opens one sealed block.  It ends before where a round
        has nothing accepted or the ledger is spent.
    passes : int
        Within a round hunters look again after their own promising submissions, as if those had
        been accepted: practice rows decide what is promising.
    close : bool
        False only submits: somebody else closes the epoch.
    progress : callable, optional
        Told each step.
    """
    if rounds < 1 or passes < 1:
        raise InputError("A hunt has at least 1 round of 1 pass.")
    done: list[Round] = []
    for number in range(1, rounds + 1):
        if bounty.account().reason is not None:
            break
        done.append(_round(bounty, hunters, number, passes, close, progress or (lambda _: None)))
        if not close or not done[-1].accepted:
            break
    return tuple(done)


def _round(
    bounty: Bounty,
    hunters: Mapping[str, Hunter],
    number: int,
    passes: int,
    close: bool,
    progress: Callable[[HuntStep], None],
) -> Round:
    sent: dict[str, int] = {}
    accepted: dict[str, int] = {}
    notes: list[str] = []
    refused = 0

    def tell(hunter: str, note: str = "") -> None:
        counts = (sum(sent.values()), refused, sum(accepted.values()))
        progress(
            HuntStep(
                round=number,
                hunter=hunter,
                sent=counts[0],
                refused=counts[1],
                accepted=counts[2],
                note=note,
            )
        )

    for name, data, note in _prey(bounty, hunters, passes):
        if data is None:
            notes.append(f"{name}: {note}")
            tell(name, note)
            continue
        try:
            receipt = bounty.submit(data, trainer=train_patch)
        except SubmissionError as error:
            if error.reason in _OVER:
                notes.append(str(error))
                break
            refused += 1
        else:
            team = bounty.load(receipt.key).team
            sent[team] = sent.get(team, 0) + 1
            if receipt.verdict is not None and receipt.verdict.accepted:
                accepted[team] = accepted.get(team, 0) + 1
        tell(name)
    if close and bounty.rules.mode == "epochs" and bounty.state.pending:
        tell("")
        for verdict in bounty.close_epoch():
            team = bounty.load(verdict.key).team
            accepted[team] = accepted.get(team, 0) + verdict.accepted
        tell("")
    return round_of(number, sent, accepted, refused, tuple(notes))


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
                    judge = Practice(listed, practice.matrix, practice.labels, runner)
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
