"""``evenhand bounty init``: begin a bounty."""

import secrets
from pathlib import Path
from typing import Any

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.creation import create_bounty
from evenhand.bounty.proof.rules import Order, Rules
from evenhand.bounty.task.losses import reads_of
from evenhand.bounty.task.task import Media
from evenhand.bounty.telling import kept, words
from evenhand.bounty.telling.standing import Standing, stand
from evenhand.cli.bounty.models import model_named, services_of
from evenhand.cli.bounty.output import show_json
from evenhand.cli.bounty.terms import Asking
from evenhand.cli.kinds import Several
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.errors import InputError
from evenhand.pages.numbers import plural

#: What a bounty decides by where nothing else is said.
RULES = Rules()


def init(
    folder: Path,
    /,
    *,
    train: str,
    practice: str,
    sealed: str,
    label: str,
    base: Path | None = None,
    constant: str | None = None,
    loss: str = "zero_one",
    features: str | None = None,
    unit: str | None = None,
    most: int | None = None,
    ask: str | None = None,
    media: Media = "text",
    times: int = 1,
    services: Path | None = None,
    service: str | None = None,
    delta: float = RULES.delta,
    blocks: int = RULES.blocks,
    order: Order = RULES.order,
    margin: float = RULES.margin,
    caution: float = RULES.caution,
    organiser: str = "",
    severity: Several = (),
    seed: int | None = None,
    asking: Asking = Asking(),
    output: Printing = Printing(),
) -> int:
    """Begin a bounty in a new directory.

    Parameters
    ----------
    folder
        The new directory.  Whoever can read it can read the sealed labels.
    train
        Public rows to learn from: path, glob or URL, as for audit.
    practice
        Public rows that score submissions at once.
    sealed
        Rows whose labels prove; they are cut at random into blocks.  No row may be in two tables.
    label
        Column to predict.
    base
        The deployed model: an ONNX file that reads the features.
    constant
        Or one answer for all rows: a class, a number, or probabilities as 0.7,0.3.
    loss
        zero_one, accuracy, missed(class), cost(numbers), squared(low, high), absolute(low, high), log_loss(floor) or
        brier, and of services wer(most) or differs.  A third number of squared and absolute is the most by which
        an update may move an answer.
    features
        Columns a,b,c to predict from; all but the label and the unit where not given.
    unit
        Column of what was drawn: the patient, the speaker that several rows belong to; none where each row was.
    most
        Rows of a unit, at most; the largest public unit where not given.
    ask
        Column of what services are asked, where submissions name services in place of models: a text, or the path of a
        sound or a picture, from where sealed rows lie.
    media
        What that is: text, audio or image.
    times
        How often a service is asked about each row, an odd number: the median counts.
    services
        A TOML file with [[services]] as a trial has them; the host alone asks them.
    service
        The deployed one of these, by its name, in place of --base.
    delta
        Probability that anything is ever accepted wrongly.
    blocks
        Sealed blocks; each closing of an epoch spends one.
    order
        In which order an epoch is tested: practice (best on the practice rows first) or arrival.
    margin
        What the lower bound of an improvement must exceed.
    caution
        Standard errors by which an introduced group must have gained on the block to keep what it was given.
    organiser
        Who vouches for what the proof rests on: that nobody has seen a sealed row, and the other assumptions.
    severity
        Weight of a group in rewards, as "age >= 65=2"; may be repeated.
    seed
        Of the cut into blocks, to be kept secret; drawn where not given.
    """
    rules = Rules(
        delta=delta,
        blocks=blocks,
        order=order,
        margin=margin,
        caution=caution,
    )
    made = create_bounty(
        folder,
        train=train,
        practice=practice,
        sealed=sealed,
        label=label,
        base=_base(base, constant, loss, service),
        loss=loss,
        features=[name.strip() for name in features.split(",")] if features else None,
        unit=unit,
        most=most,
        asks=ask,
        media=media,
        times=times,
        services=() if services is None else services_of(services),
        services_folder=Path() if services is None else services.parent,
        media_folder=Path(sealed).parent,
        organiser=organiser,
        rules=rules,
        terms=asking.terms(),
        severities=_severities(severity),
        seed=secrets.randbits(63) if seed is None else seed,
    )
    with made:
        told = stand(made)
    if output.json:
        show_json(told)
    else:
        _tell(folder, made, told)
    return 0


def _tell(folder: Path, made: Bounty, told: Standing) -> None:
    task, rows = made.task, made.state.blocks
    sizes = ", ".join(f"{block.rows:,}" for block in rows)
    say(f"Bounty {folder}: predict {told.label}, {plural(len(task.features), 'feature')}.")
    say(f"Sealed: {plural(len(rows), 'block')} of {sizes} rows.")
    if told.unit is not None:
        say(words.drawn(made))
    say(*(f"! {note}" for note in made.notes))
    say(words.ledger(told.ledger))
    say(
        f"{told.organiser or 'You'} vouch{'es' if told.organiser else ''} for what the proof rests on:"
    )
    say(*(f"  {one}" for one in told.assumptions), *kept.keyless(told.keeping))


def _base(
    base: Path | None, constant: str | None, loss: str, service: str | None
) -> bytes | dict[str, Any]:
    if service is not None:
        if base is not None or constant is not None:
            raise InputError("--service is the deployed model: leave --base and --constant out.")
        return {"service": service}
    found = model_named(base, constant, reads_of(loss), "--base")
    if found is None:
        raise InputError(
            "Name the deployed model: --base model.onnx, --constant ANSWER, or --service NAME of --services."
        )
    return found


def _severities(given: tuple[str, ...]) -> dict[str, float]:
    out = {}
    for item in given:
        text, _, weight = item.rpartition("=")
        try:
            out[text.strip()] = float(weight)
        except ValueError:
            text = ""
        # "age >= 65" alone has an = of its own.
        if not text.strip() or text.rstrip().endswith(("<", ">", "!", "=")):
            raise InputError(
                f'--severity {item!r}: write a predicate, =, and a weight: "age >= 65=2".'
            )
    return out
