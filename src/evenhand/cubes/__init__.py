"""Cubes of sufficient statistics: what an engine computes and all statistics read."""

from evenhand.cubes.bins import bin_attributes
from evenhand.cubes.build import build_cube, build_cubes, floats_of
from evenhand.cubes.cells import Cells, cells_of
from evenhand.cubes.cube import Cube, Units
from evenhand.cubes.estimates import Estimates, estimate
from evenhand.cubes.faults import raise_faults
from evenhand.cubes.measure import Check, Input, Measure, Moments
from evenhand.cubes.quantiles import median
from evenhand.cubes.query import CubeQuery
from evenhand.cubes.row_cells import Reading, read_cells
from evenhand.cubes.shards import Shards, merge_shards, read_shard
from evenhand.cubes.unit_influence import contrast_powers
from evenhand.cubes.unit_parts import unit_contributions, unit_values

__all__ = [
    "Cells",
    "Check",
    "Cube",
    "CubeQuery",
    "Estimates",
    "Input",
    "Measure",
    "Moments",
    "Reading",
    "Shards",
    "Units",
    "bin_attributes",
    "build_cube",
    "build_cubes",
    "cells_of",
    "contrast_powers",
    "estimate",
    "floats_of",
    "median",
    "merge_shards",
    "raise_faults",
    "read_cells",
    "read_shard",
    "unit_contributions",
    "unit_values",
]
