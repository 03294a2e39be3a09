"""What a table holds, before anything is measured: read in ten seconds."""

from evenhand.overviews.overview import look
from evenhand.overviews.result import Overview

__all__ = ["Overview", "look"]
