"""What is given to strangers: answers without the folders of files, in JSON as on pages."""

from dataclasses import replace
from typing import TypeVar

from evenhand.audits.result import Audit
from evenhand.differential.result import Effects
from evenhand.pages.edition import Edition
from evenhand.switching.result import Switches

_Found = TypeVar("_Found", Audit, Effects, Switches)


def given_away(found: _Found, edition: Edition) -> _Found:
    """The answer as it is, or for strangers."""
    if not edition.share:
        return found
    name, command = found.source.name, found.settings.command
    return replace(
        found,
        source=replace(found.source, name=edition.source(name)),
        settings=replace(found.settings, command=edition.command(command, name)),
    )
