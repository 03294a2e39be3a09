"""One opened block at work: candidates are tested in turn, and the list that they leave is settled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evenhand.bounty.proof.certificate import Certificate, Drawn, Rows, certify
from evenhand.bounty.proof.excess import prove_excess
from evenhand.bounty.proof.rules import SERVED_SHARE, Rules
from evenhand.bounty.proof.transcript import Transcript, choice_probability
from evenhand.bounty.proof.verdict import Settled, Verdict
from evenhand.bounty.strangers.refusals import RunnerError
from evenhand.bounty.task.losses import Answers, RowLoss

Mask = npt.NDArray[np.bool_]
#: Rounding of sums of losses, as a share of the range of one; far below one row.
SPECK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A committed (group, model) pair, ready to be tested.

    Attributes
    ----------
    key, team, kind : str
        The submission's hash, who sent it, and its class of practice evidence: all fixed before the
        block is opened.
    load : callable
        Gives the rows of the group in the block and the model's answers there; whatever it
        raises but `RunnerError`, the candidate has failed.
    meets : callable, optional
        Whether the group can share a row, of any data, with the introduced group of this number;
        "no" must be proven.  Where not given, it can with all.
    """

    key: str
    team: str
    kind: str
    load: Callable[[], tuple[Rows, Answers]]
    meets: Callable[[int], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A committed finding: a group is failed by more than was claimed.

    Attributes
    ----------
    key : str
        The submission's hash.
    more_than : float
        What was claimed.
    load : callable
        Gives the rows of the group in the block.
    """

    key: str
    more_than: float
    load: Callable[[], Rows]


@dataclass(slots=True, kw_only=True)
class OpenedBlock:
    """One opened block and all that it has answered.

    Parameters
    ----------
    loss : RowLoss
    rules : Rules
    drawn : Drawn
        Its rows in units, in random order.
    labels : array of shape (rows,)
    served : array of shape (rows,), or (rows, classes)
        Answers of the list as it was served when the block was opened.
    introduced : sequence of masks of shape (rows,)
        Groups introduced before.
    epoch : int
        Its number.
    """

    loss: RowLoss
    rules: Rules
    drawn: Drawn
    labels: npt.NDArray[np.generic]
    served: Answers
    introduced: Sequence[Mask] = ()
    epoch: int = 0
    transcript: Transcript = field(default_factory=Transcript)
    _answers: Answers = field(init=False)
    _before: npt.NDArray[np.float64] = field(init=False)
    _losses: npt.NDArray[np.float64] = field(init=False)
    _groups: list[Rows] = field(init=False)
    _gained: float = field(init=False)
    _stacked: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.served = np.asarray(self.served)
        self._answers = self.served.copy()
        self._before = self.loss.of_rows(self.served, self.labels)
        self._losses = self._before.copy()
        self._groups: list[Rows] = [np.flatnonzero(mask) for mask in self.introduced]
        self._gained = 0.0

    def answers_of(self, rows: Rows) -> Answers:
        """What the list as it is now answers some rows."""
        return self._answers[rows]

    def test(self, candidate: Contender, share: float) -> Verdict:
        """Test one candidate at its share of the block's level; an acceptance updates the list."""
        price = self.transcript.log_probability(candidate.meets)
        level = self.rules.block_delta * share
        try:
            rows, answers = candidate.load()
            answers = self.loss.limited(answers, self._answers[rows])
            after = self.loss.of_rows(answers, self.labels[rows])
        except RunnerError:
            # Nothing of the candidate's: it must not cost the candidate its test.
            raise
        except Exception as error:  # noqa: BLE001 - one candidate must not stop the others
            # Failing is an answer too: it decides which list later ones are tested against.
            self.transcript.refuse(candidate.kind, candidate.team)
            return self._failed(candidate.key, error)
        certificate = certify(
            self.loss,
            self._losses[rows],
            after,
            rows,
            self.drawn,
            alpha=level * float(np.exp(price)),
            margin=self.rules.margin,
            # Bets are tuned by what is fixed before the block is opened, not by its answers.
            tuned=level,
            weights=self.loss.weight(self.labels[rows]),
        )
        if not certificate.accepted:
            self.transcript.refuse(candidate.kind, candidate.team)
            return self._told(candidate.key, certificate)
        self._answers[rows], self._losses[rows] = answers, after
        self._stacked[len(self._groups)] = 1 + max(
            (
                high
                for group, high in self._stacked.items()
                if candidate.meets is None or candidate.meets(group)
            ),
            default=0,
        )
        self.transcript.accept(candidate.kind, candidate.team, len(self._groups))
        self._groups.append(rows)
        self._gained += certificate.lower_bound
        return self._told(candidate.key, certificate)

    def judge_claim(self, claim: Claim, share: float) -> Verdict:
        """Test a finding at its share of the block's level.

        It is about the list served before the epoch, and leaves the list as it is.  So no earlier answer
        changes what it claims, its answer changes no later test, and neither is paid for.
        """
        try:
            rows = claim.load()
        except RunnerError:
            raise
        except Exception as error:  # noqa: BLE001 - one candidate must not stop the others
            return self._failed(claim.key, error)
        found = prove_excess(
            self.loss,
            self._before,
            self.loss.weight(self.labels),
            rows,
            self.drawn,
            more_than=claim.more_than,
            alpha=self.rules.block_delta * share,
        )
        return Verdict(
            key=claim.key,
            epoch=self.epoch,
            accepted=found.accepted,
            reason=found.reason,
            certificate=None,
            excess=found,
        )

    def _told(self, key: str, certificate: Certificate) -> Verdict:
        return Verdict(
            key=key,
            epoch=self.epoch,
            accepted=certificate.accepted,
            reason=certificate.reason,
            certificate=certificate,
        )

    def _failed(self, key: str, error: Exception) -> Verdict:
        return Verdict(
            key=key,
            epoch=self.epoch,
            accepted=False,
            reason="model_failed",
            certificate=None,
            failure=getattr(error, "reason", "failed"),
        )

    def settle(self) -> Settled:
        """After the last test: which groups go back, and what is proven of the list that is served then.

        Nothing is tested after it, so what it looks at costs no test anything.  The certificate is of one
        list of as many as there are transcripts and choices of groups, and pays for both.  Where no group
        goes back, what the acceptances gained adds up, and so do their bounds, which hold together.
        Groups that can meet may have moved one answer several times; those proven apart have not.
        """
        repairs = self._repair()
        everyone = np.arange(self.drawn.rows)
        alpha = self.rules.block_delta * SERVED_SHARE
        price = self.transcript.log_probability() + choice_probability(
            len(repairs), len(self._groups)
        )
        certificate = certify(
            self.loss,
            self._before,
            self._losses,
            everyone,
            self.drawn,
            alpha=alpha * float(np.exp(price)),
            tuned=alpha,
            weights=self.loss.weight(self.labels),
            updates=max(self._stacked.values(), default=1),
        )
        if not repairs and self._gained > certificate.lower_bound:
            certificate = replace(certificate, lower_bound=self._gained, reason=None)
        rises = [float((self._losses - self._before)[rows].sum()) for rows in self._groups]
        return Settled(
            repairs=repairs,
            certificate=certificate,
            largest_rise=max([0.0, *rises]) / max(self.drawn.rows, 1),
        )

    def _repair(self) -> tuple[int, ...]:
        """Groups that go back, the one that lost most first; the scan restarts after each.

        A group that went back differs nowhere from the list served before, and no later repair changes
        that: so each goes back at most once.
        """
        done: list[int] = []
        rises = [self._rise(rows) for rows in self._groups]
        while rises and max(rises) > SPECK * self.loss.largest_gain:
            worst = int(np.argmax(rises))
            rows = self._groups[worst]
            moved = rows[self._losses[rows] != self._before[rows]]
            self._losses[rows], self._answers[rows] = self._before[rows], self.served[rows]
            done.append(worst)
            touched = np.zeros(self.drawn.rows, bool)
            touched[moved] = True
            rises = [
                self._rise(group) if touched[group].any() else rise
                for group, rise in zip(self._groups, rises, strict=True)
            ]
        return tuple(done)

    def _rise(self, rows: Rows) -> float:
        """What a group may have lost: `caution` standard errors more than the block shows; 0 where nothing changed."""
        change = self._losses[rows] - self._before[rows]
        if not change.any():
            return 0.0
        sums = self.drawn.sums(change, rows)
        return float(sums.sum() + self.rules.caution * np.sqrt((sums**2).sum()))
