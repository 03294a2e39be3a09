"""``evenhand bounty``: outsiders' better models, accepted only with proof, merged safely."""

import json as json_module
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evenhand.bounty import Bounty, Rules, SubmissionError, create_bounty, write_submission
from evenhand.bounty import verify as verify_log
from evenhand.bounty.deployed.export import export_model
from evenhand.bounty.hunting.round import Round, Step
from evenhand.bounty.hunting.rounds import choose
from evenhand.bounty.hunting.rounds import hunt as run_hunt
from evenhand.bounty.proof.rules import Mode, Order
from evenhand.bounty.task.losses import parse_loss
from evenhand.bounty.task.task import read_table
from evenhand.bounty.telling import words
from evenhand.bounty.telling.figures import render_html
from evenhand.bounty.telling.outcome import Outcome, closed, outcome_of_receipt
from evenhand.bounty.telling.report import read_report
from evenhand.bounty.telling.standing import stand
from evenhand.cli.audit import written_command
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.records.output import check_outputs, input_files, write_bytes

bounty = App(
    name="bounty",
    help="Let outsiders submit better models, accept what is proven, and merge it.",
    help_format="plaintext",
)
EXIT_NOT_PROVEN = 1
Json = Annotated[bool, Parameter(negative="")]
Several = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@bounty.command
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
    delta: float = 0.05,
    blocks: int = 2,
    mode: Mode = "epochs",
    order: Order = "practice",
    margin: float = 0.0,
    repair_margin: float = 0.0,
    max_repairs: int = 64,
    max_bits: float = 60.0,
    severity: Several = (),
    seed: int | None = None,
    json: Json = False,
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
        zero_one, accuracy, squared(low, high), absolute(low, high), log_loss(floor) or brier.
    features
        Columns a,b,c to predict from; all but the label where not given.
    delta
        Probability that anything is ever accepted wrongly.
    blocks
        Sealed blocks; each closing of an epoch spends one.
    mode
        epochs (test all at the close, on a fresh block) or continuous (each at once, yes or no only).
    order
        In which order an epoch is tested: practice (best on the practice rows first) or arrival.
    margin
        What the lower bound of an improvement must exceed.
    repair_margin
        Loss per row by which an introduced group may stand above its lowest version.
    max_repairs
        Most repairs of one acceptance.
    max_bits
        What the answers of a block may cost in continuous mode.
    severity
        Weight of a group in rewards, as "age >= 65=2"; may be repeated.
    seed
        Of the cut into blocks, to be kept secret; drawn where not given.
    json
        Print JSON.
    """
    rules = Rules(
        delta=delta,
        blocks=blocks,
        mode=mode,
        order=order,
        margin=margin,
        repair_margin=repair_margin,
        max_repairs=max_repairs,
        max_bits=max_bits,
    )
    made = create_bounty(
        folder,
        train=train,
        practice=practice,
        sealed=sealed,
        label=label,
        base=_model(base, constant, parse_loss(loss).reads, "--base") or _no_base(),
        loss=loss,
        features=[name.strip() for name in features.split(",")] if features else None,
        rules=rules,
        severities=_severities(severity),
        seed=secrets.randbits(63) if seed is None else seed,
    )
    with made:
        told = stand(made)
    if json:
        _print_json(told)
    else:
        rows = made.state.blocks
        sizes = ", ".join(f"{block['rows']:,}" for block in rows)
        _say(
            f"Bounty {folder}: predict {label}, {words.plural(len(made.task.features), 'feature')}."
        )
        _say(f"Sealed: {words.plural(len(rows), 'block')} of {sizes} rows.")
        _say(words.ledger(told["ledger"]))
    return 0


@bounty.command
def submit(
    folder: Path,
    file: Path | None = None,
    /,
    *,
    team: str | None = None,
    group: str | None = None,
    model: Path | None = None,
    constant: str | None = None,
    note: str = "",
    predictions: str | None = None,
    check: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    commit: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Send a group and a better model for it; or a group alone, and the patch is trained here.

    Parameters
    ----------
    folder
        The bounty.
    file
        A submission as evenhand.bounty.pack or --out wrote it.
    team
        Who is to be credited, where no file is given.
    group
        A predicate such as "sex = 'F' AND age >= 50", or a .json file (a tree or a linear rule) or
        an .onnx file.
    model
        An ONNX file.  Without --model and --constant the patch is trained on the group's public rows.
    constant
        Or one answer for the whole group.
    note
        For people.
    predictions
        Only measure a table of columns row and prediction for all practice rows; nothing is merged.
    check
        Say what would be refused and how it scores in practice; send nothing.
    out
        Write the submission to this file; send nothing.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    commit
        Promise the submission by its hash only; send the same file later.
    json
        Print JSON.
    """
    texts = (group, None if predictions is None else str(predictions))
    named = [path for text in texts if text for path in input_files(text)]
    inputs = [*named, *_own_files(folder), *(one for one in (file, model) if one)]
    check_outputs([("--out", out)], inputs, force=force)
    with Bounty(folder) as opened:
        if predictions is not None:
            told = Outcome(
                submission=None,
                team=team,
                group=None,
                pending=False,
                accepted=None,
                practice=opened.measure(predictions),
                ledger=opened.account(),
                reason="measured_only",
            ).to_dict()
            return _tell_outcome(told, json=json)
        data = _submission(opened, file, team, group, model, constant, note)
        if out is not None:
            return _write(out, data, json=json)
        try:
            if commit:
                return _commit(opened, data, json=json)
            if check:
                return _check(opened, data, json=json)
            receipt = opened.submit(data, trainer=_trainer())
        except SubmissionError as error:
            return _spent(opened, error, json=json)
        return _tell_outcome(outcome_of_receipt(opened, receipt).to_dict(), json=json)


@bounty.command
def status(
    folder: Path,
    /,
    *,
    html: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Show what was accepted, what it is worth, and what the ledger has left.

    Parameters
    ----------
    folder
        The bounty.
    html
        Write a report to this file.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    json
        Print JSON.
    """
    check_outputs([("--html", html)], _own_files(folder), force=force)
    with Bounty(folder) as opened:
        told = stand(opened)
        if html is not None:
            report = read_report(opened, told, command=written_command())
            write_bytes(html, render_html(report).encode())
    if json:
        _print_json(told)
        return 0
    _say(f"{folder}: {told['label']}, {told['loss']}; {words.standing(told)}")
    for team in told["leaderboard"]:
        _say(
            f"  {team['team']}: {team['accepted']} of {team['submitted']} accepted, "
            f"at least {words.number(team['lower_bound'])} better a row"
        )
    for one in told["accepted"]:
        _say(f"◆ version {one['version']}  {one['team']}: {one['group']}")
        _say(f"  {words.worth(one)}")
    _say(words.ledger(told["ledger"]))
    if html is not None:
        _say(f"Report: {html}")
    return 0


@bounty.command
def close(folder: Path, /, *, json: Json = False) -> int:
    """Close the epoch: open one sealed block and test all that was submitted.

    Parameters
    ----------
    folder
        The bounty.
    json
        Print JSON.
    """
    with Bounty(folder) as opened, _bar("testing") as report:
        try:
            verdicts = opened.close_epoch(progress=report)
        except SubmissionError as error:
            return _spent(opened, error, json=json)
        told = closed(opened, verdicts)
    accepted = sum(one["accepted"] for one in told["verdicts"])
    if json:
        _print_json(told)
    else:
        _say(f"Block {told['block'] + 1} opened: {accepted} of {len(verdicts)} accepted.")
        for one in told["verdicts"]:
            _say(*words.verdict(one))
        for one in told["confirmed"]:
            _say(words.confirmed(opened.load(one["key"]).team, one))
        _say(words.ledger(told["ledger"]))
    return 0 if accepted else EXIT_REFUSED


@bounty.command
def confirm(folder: Path, table: str, /, *, json: Json = False) -> int:
    """Make rewards final by fresh labelled rows.

    Parameters
    ----------
    folder
        The bounty.
    table
        Rows that no hunter has had, with all features and the label.  They are disclosed by this.
    json
        Print JSON.
    """
    with Bounty(folder) as opened:
        found = opened.confirm(table)
        teams = [opened.load(one["key"]).team for one in found]
    if json:
        _print_json({"schema": "evenhand.confirmed/1", "confirmed": list(found)})
    else:
        for team, one in zip(teams, found, strict=True):
            _say(words.confirmed(team, one))
    return 0


@bounty.command
def hunt(
    folder: Path,
    /,
    *,
    hunter: Several = ("all",),
    rounds: int = 1,
    passes: int = 3,
    group: Several = (),
    close: bool = True,
    seed: int = 0,
    json: Json = False,
) -> int:
    """Let automatic hunters submit, and close the epoch, until none is accepted.

    Parameters
    ----------
    folder
        The bounty.
    hunter
        slices, alternating, ternary, prepend or all; may be repeated.
    rounds
        At most so many; each opens one sealed block.
    passes
        How often hunters look again within a round, after their own promising finds.
    group
        Groups of the prepend hunter, as predicates; each value of each text where not given.
    close
        Close the epoch after each round; --no-close only submits.
    seed
        Of the alternating hunter's starts.
    json
        Print JSON.
    """
    hunters = choose(hunter, groups=group or None, seed=seed)
    with Bounty(folder) as opened, _bar("hunting") as report:
        done = run_hunt(
            opened,
            hunters,
            rounds=rounds,
            passes=passes,
            close=close,
            progress=lambda step: report(step.sent + step.refused, None, _step(step)),
        )
        account = opened.account()
    accepted = sum(sum(one.accepted.values()) for one in done)
    if json:
        _print_json(
            {
                "schema": "evenhand.hunt/1",
                "rounds": [_round(one) for one in done],
                "ledger": account,
            }
        )
    else:
        for one in done:
            _say(*words.hunted(one, closed=close))
        _say(words.ledger(account))
    return 0 if accepted or (done and not close) else EXIT_REFUSED


@bounty.command
def export(
    folder: Path,
    /,
    *,
    out: Path,
    onnx: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Write the patched model as a directory, and as one ONNX file where all parts allow it.

    Parameters
    ----------
    folder
        The bounty.
    out
        Directory to write; evenhand.bounty.load_model reads it.
    onnx
        Also write one ONNX file that gives the same answers.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    json
        Print JSON.
    """
    inside = onnx is not None and out.resolve() in onnx.resolve().parents
    outputs = [("--onnx", onnx)]
    check_outputs(outputs, _own_files(folder), force=force, makes_folders=inside)
    with Bounty(folder) as opened:
        listed = opened.state.listed
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty.  Name a new directory.")
    export_model(listed, out)
    if onnx is not None:
        from evenhand.bounty.deployed.one_onnx import to_one_onnx  # noqa: PLC0415 - needs an extra

        write_bytes(onnx, to_one_onnx(listed))
    if json:
        told = {"folder": str(out), "onnx": None if onnx is None else str(onnx)}
        _print_json({"schema": "evenhand.export/1", "nodes": listed.version, **told})
    else:
        _say(f"Model: {out} (version {listed.version})")
        if onnx is not None:
            _say(f"One file: {onnx}")
    return 0


@bounty.command
def verify(folder: Path, /, *, head: str | None = None, json: Json = False) -> int:
    """Re-play the whole log and prove the current model and leaderboard from it.

    Parameters
    ----------
    folder
        The bounty.
    head
        Hash of an event that you were told: the log must still hold it, or was cut or written anew.
    json
        Print JSON.
    """
    with Bounty(folder) as opened, _bar("re-playing") as report:
        found = verify_log(opened, head=head, progress=report)
    if json:
        _print_json(
            {
                "schema": "evenhand.verification/1",
                "proven": found.proven,
                "events": found.events,
                "verdicts": found.verdicts,
                "updates": found.updates,
                "problems": list(found.problems),
                "leaderboard": [dict(row) for row in found.leaderboard],
            }
        )
    elif found.proven:
        _say(
            f"Proven: {words.plural(found.events, 'event')}, {words.plural(found.verdicts, 'verdict')} "
            f"and {words.plural(found.updates, 'update')} follow from the submissions and the blocks."
        )
    else:
        _say(f"NOT proven: {words.plural(len(found.problems), 'thing differs', 'things differ')}.")
        _say(*(f"  {problem}" for problem in found.problems))
    return 0 if found.proven else EXIT_NOT_PROVEN


@bounty.command
def explain(folder: Path, table: str, /, *, row: int = 0, json: Json = False) -> int:
    """Say why a row is answered as it is: whose update decided, through which groups.

    Parameters
    ----------
    folder
        The bounty.
    table
        Rows with all features, as for audit.
    row
        Which of them, from 0.
    json
        Print JSON.
    """
    with Bounty(folder) as opened:
        rows = read_table(table)
        if not 0 <= row < len(rows):
            raise InputError(f"--row is {row}.  {table} has the rows 0 to {len(rows) - 1}.")
        matrix = opened.task.encode(rows.slice(row, 1))
        listed = opened.state.listed
        found = listed.explain(matrix[0], opened.runner)
        answer = words.answer(listed.predict(matrix, opened.runner), opened.task)
    if json:
        _print_json(
            {
                "schema": "evenhand.explanation/1",
                "row": row,
                "answer": answer,
                "team": found.team or None,
                "submission": found.key or None,
                "steps": [
                    {
                        "version": step.node + 1,
                        "group": step.group,
                        "team": step.team or None,
                        "points_to": step.points_to,
                    }
                    for step in found.steps
                ],
            }
        )
    else:
        _say(f"Row {row} is answered {answer}, by {words.whose(found)}.", *words.way(found))
    return 0


@bounty.command
def rollback(folder: Path, submission: str, /, *, reason: str, json: Json = False) -> int:
    """Take an accepted update out of the model; its place in the log is kept.

    Parameters
    ----------
    folder
        The bounty.
    submission
        Its hash, or the beginning of it.
    reason
        Why; it is written into the log.
    json
        Print JSON.
    """
    with Bounty(folder) as opened:
        key = _full_key(opened, submission)
        opened.roll_back(key, reason=reason)
        told = stand(opened)
    if json:
        _print_json(told)
    else:
        _say(f"Taken out: {key[:12]}.  {words.standing(told)}")
    return 0


def _full_key(opened: Bounty, beginning: str) -> str:
    keys = [n.key for n in opened.state.listed.nodes if n.active and n.key.startswith(beginning)]
    if not beginning or len(keys) != 1:
        found = "no" if not keys else "more than one"
        raise InputError(
            f"{found.capitalize()} active update has a hash that begins with {beginning!r}.  "
            "See: evenhand bounty status --json"
        )
    return keys[0]


def _no_base() -> Any:
    raise InputError("Name the deployed model: --base model.onnx, or --constant ANSWER.")


def _model(
    path: Path | None, constant: str | None, reads: str, option: str
) -> bytes | dict[str, Any] | None:
    """A model as it is named on the command line; `None` where none is."""
    if path is not None and constant is not None:
        raise InputError(f"{option} and --constant are two models.  Choose one.")
    if path is not None:
        return _read(path)
    if constant is None:
        return None
    if reads == "class":
        return {"constant": constant}
    try:
        numbers = [float(item) for item in constant.split(",")]
    except ValueError as error:
        raise InputError(f"--constant {constant!r} must be a number here.") from error
    return {"constant": numbers if reads == "probabilities" else numbers[0]}


def _submission(
    opened: Bounty,
    file: Path | None,
    team: str | None,
    group: str | None,
    model: Path | None,
    constant: str | None,
    note: str,
) -> bytes:
    if file is not None:
        if team or group or model or constant:
            raise InputError("A submission file says all: leave --team, --group and --model out.")
        return _read(file)
    if team is None or group is None:
        raise InputError(
            "Give a submission file, or --team and --group (and --model, or the patch is trained here)."
        )
    return write_submission(
        team=team,
        group=_group(group),
        model=_model(model, constant, opened.task.loss.reads, "--model"),
        # Unguessable, so that a commitment tells nothing.
        nonce=secrets.token_hex(16),
        note=note,
    )


def _group(text: str) -> Mapping[str, Any] | str:
    if text.endswith(".onnx"):
        import base64  # noqa: PLC0415 - one use

        return {"onnx": base64.b64encode(_read(Path(text))).decode()}
    if not text.endswith(".json"):
        return text
    try:
        found = json_module.loads(_read(Path(text)))
    except ValueError as error:
        raise InputError(f"{text} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f'{text} must hold {{"tree": …}}, {{"linear": …}} or {{"predicate": …}}.')
    return found


def _severities(given: tuple[str, ...]) -> dict[str, float]:
    out = {}
    for item in given:
        text, _, weight = item.rpartition("=")
        try:
            out[text.strip()] = float(weight)
        except ValueError:
            text = ""
        if not text.strip():
            raise InputError(
                f'--severity {item!r}: write a predicate, =, and a weight: "age >= 65=2".'
            )
    return out


def _trainer() -> Callable[..., bytes]:
    from evenhand.bounty.hunting.patch import train_patch  # noqa: PLC0415 - only some submissions need it

    return train_patch


def _commit(opened: Bounty, data: bytes, *, json: bool) -> int:
    from evenhand.bounty.submission.submission import read_submission  # noqa: PLC0415 - one use

    given = read_submission(data, opened.task)
    opened.commit(team=given.team, key=given.key)
    if json:
        _print_json({"schema": "evenhand.commitment/1", "team": given.team, "key": given.key})
    else:
        _say(f"Committed {given.key} of {given.team}.  Send the same file before the epoch closes.")
    return 0


def _check(opened: Bounty, data: bytes, *, json: bool) -> int:
    score = opened.check(data, trainer=_trainer())
    told = Outcome(
        submission=None,
        team=None,
        group=None,
        pending=False,
        accepted=None,
        practice=score,
        ledger=opened.account(),
        reason="checked_only",
    ).to_dict()
    return _tell_outcome(told, json=json)


def _spent(opened: Bounty, error: SubmissionError, *, json: bool) -> int:
    """A ledger that is spent refuses; all else is an error to be mended."""
    if error.reason != "budget_spent":
        raise error
    if json:
        told = Outcome(
            submission=None,
            team=None,
            group=None,
            pending=False,
            accepted=False,
            ledger=opened.account(),
            reason="budget_spent",
        )
        _print_json(told.to_dict())
    else:
        _say(str(error), words.ledger(opened.account()))
    return EXIT_REFUSED


def _tell_outcome(told: Mapping[str, Any], *, json: bool) -> int:
    if json:
        _print_json(told)
    else:
        _say(*words.outcome(told), words.ledger(told["ledger"]))
    return EXIT_REFUSED if told["accepted"] is False else 0


def _step(step: Step) -> str:
    doing = step.hunter or "closing the epoch"
    return f"round {step.round}, {doing}: {step.sent} sent, {step.refused} refused"


def _round(done: Round) -> dict[str, Any]:
    return {
        "round": done.number,
        "teams": [
            {"team": team, "sent": count, "accepted": done.accepted.get(team, 0)}
            for team, count in done.sent.items()
        ],
        "accepted": sum(done.accepted.values()),
        "refused": done.refused,
        "notes": list(done.notes),
    }


@contextmanager
def _bar(doing: str) -> Iterator[Callable[..., None]]:
    """A progress bar that is told ``(done, of, what)``."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task(doing, total=None)

    def report(done: int, total: int | None, what: str = doing) -> None:
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        yield report


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, data: bytes, *, json: bool) -> int:
    write_bytes(path, data)
    if json:
        _print_json({"schema": "evenhand.written/1", "file": str(path)})
    else:
        _say(f"Submission: {path}")
    return 0


def _own_files(folder: Path) -> list[Path]:
    """Files of a bounty, which no output replaces."""
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _print_json(told: Mapping[str, Any]) -> None:
    print(json_module.dumps(told, ensure_ascii=False, indent=1, allow_nan=False))


def _say(*lines: str) -> None:
    """Lines as they are: a group's text is never markup."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line, markup=False)
