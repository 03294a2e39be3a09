"""Cubes of sufficient statistics: what an engine computes and all statistics read."""

from evenhand.cubes.bins import bin_attributes
from evenhand.cubes.build import build_cube, build_cubes
from evenhand.cubes.cells import Cells, cells_of
from evenhand.cubes.columns import coded, floats_of
from evenhand.cubes.counted import CountedMetric, CountedRecords, CountedSource, merge_all
from evenhand.cubes.counted_file import read_cube, write_cube
from evenhand.cubes.cube import Cube, Units
from evenhand.cubes.design import lonely_strata, with_strata
from evenhand.cubes.estimates import Estimates, estimate
from evenhand.cubes.faults import raise_faults
from evenhand.cubes.keys import CellKeys
from evenhand.cubes.measure import Check, Input, Measure, Moments
from evenhand.cubes.quantiles import median
from evenhand.cubes.query import CubeQuery
from evenhand.cubes.row_cells import RowReading, read_cells
from evenhand.cubes.unit_influence import contrast_powers
from evenhand.cubes.unit_parts import unit_contributions, unit_turns, unit_values

__all__ = [
    "CellKeys",
    "Cells",
    "Check",
    "CountedMetric",
    "CountedRecords",
    "CountedSource",
    "Cube",
    "CubeQuery",
    "Estimates",
    "Input",
    "Measure",
    "Moments",
    "RowReading",
    "Units",
    "bin_attributes",
    "build_cube",
    "build_cubes",
    "cells_of",
    "coded",
    "contrast_powers",
    "estimate",
    "floats_of",
    "lonely_strata",
    "median",
    "merge_all",
    "raise_faults",
    "read_cells",
    "read_cube",
    "unit_contributions",
    "unit_turns",
    "unit_values",
    "with_strata",
    "write_cube",
]
