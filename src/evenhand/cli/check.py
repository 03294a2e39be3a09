"""``evenhand check``: a policy in, an answer for each of its rules, and an exit code for CI."""

from pathlib import Path

from evenhand.cli.kinds import Flag
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output
from evenhand.cli.output import check_written, show, write_files
from evenhand.cli.progress import progress_bar
from evenhand.errors import InputError
from evenhand.gates import check as check_policy
from evenhand.gates.junit import render_junit
from evenhand.gates.markdown import render_comment, render_summary
from evenhand.gates.policy import EXAMPLE, read_policy
from evenhand.gates.result import Gate
from evenhand.gates.sarif import render_sarif
from evenhand.records.output import MADE_HERE, append_text, check_outputs, write_text

_NO_POLICY = (
    "There is no policy.  Write one to start from with evenhand check --example > policy.toml, change its table, its "
    "metric and its groups, and ask it: evenhand check policy.toml"
)


def check(
    policy: Path | None = None,
    /,
    *,
    example: Flag = False,
    junit: Path | None = None,
    sarif: Path | None = None,
    summary: Path | None = None,
    comment: Path | None = None,
    html: Path | None = None,
    title: str | None = None,
    note: str | None = None,
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Stop a release that fails people: ask every rule of a policy.

    Ends with 0 where all rules are kept, 1 where one is broken, 3 where the evidence is not enough, and 2 where the
    policy must be changed first.

    Parameters
    ----------
    policy
        A TOML file of rules.
    example
        Print a policy to start from.
    junit
        Write the answers as JUnit XML to this file.
    sarif
        Write them as SARIF 2.1.0.
    summary
        Append them as Markdown to this file, such as $GITHUB_STEP_SUMMARY.
    comment
        Write them as Markdown for a pull request.
    html
        Write a report to this file.
    title
        Heading of the report.
    note
        What its readers should know first.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    json
        Print JSON instead of tables.
    """
    if example:
        print(EXAMPLE.read_text(encoding="utf-8"), end="")
        return 0
    if policy is None:
        raise InputError(_NO_POLICY)
    output = Output(json=json, html=html, title=title, note=note, force=force)
    files = (("--junit", junit), ("--sarif", sarif), ("--comment", comment))
    read = [policy, *read_policy(policy)[0].files]
    check_written(read, output, *files)
    # Whoever asks for a summary says where others write too: it is added to, whoever made it.
    check_outputs([("--summary", summary)], read, force=True)
    # No two of them to one file; each alone was asked of before.
    check_outputs([*files, ("--html", html), ("--summary", summary)], [], force=True)
    if not force:
        _check_kinds(junit=junit, sarif=sarif, comment=comment, html=html)
    edition = output.edition()
    with progress_bar("judging") as advance:
        found = check_policy(policy, command=written_command(), progress=advance)
    write_files(found, None if html is None else found.to_html(edition), output, edition)
    for path, text in _written(found, junit, sarif, comment):
        write_text(path, text)
    if summary is not None:
        append_text(summary, render_summary(found))
    show([found], output)
    return found.exit_code


#: What stands near the beginning of each kind of file.
_KINDS = {
    "junit": b"<testsuites",
    "sarif": b"sarif-2.1.0",
    "comment": MADE_HERE.encode() + b"\n#",
    "html": b'<meta name="generator" content="evenhand">',
}
_HEAD = 4096


def _check_kinds(**outputs: Path | None) -> None:
    """Refuse to replace what Evenhand made of another kind, such as the JSON of an audit."""
    for name, path in outputs.items():
        if path is None or not path.is_file():
            continue
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head and _KINDS[name] not in head:
            raise InputError(
                f"--{name} {path} exists, and is another kind of file.  Name another file, or add --force to replace "
                "it."
            )


def _written(
    found: Gate, junit: Path | None, sarif: Path | None, comment: Path | None
) -> list[tuple[Path, str]]:
    asked = ((junit, render_junit), (sarif, render_sarif), (comment, render_comment))
    return [(path, render(found)) for path, render in asked if path is not None]
