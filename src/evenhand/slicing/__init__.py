"""Slices: the subsets nobody named where a service is worst, found exactly and confirmed honestly.

The room is not called ``slices``, since `evenhand.slices` is the function.
"""

from evenhand.slicing.result import Slice, Slices
from evenhand.slicing.search import SearchProgress
from evenhand.slicing.slices import slices, slices_of_cube

__all__ = ["SearchProgress", "Slice", "Slices", "slices", "slices_of_cube"]
