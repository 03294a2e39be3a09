"""Slices: the subsets nobody named where a service is worst, found exactly and confirmed honestly."""

from evenhand.slices.report import Slices
from evenhand.slices.result import Slice
from evenhand.slices.search import Progress
from evenhand.slices.slices import slices, slices_of_cube

__all__ = ["Progress", "Slice", "Slices", "slices", "slices_of_cube"]
