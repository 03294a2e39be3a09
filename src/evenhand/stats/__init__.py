"""Intervals, contrasts and simultaneous inference on arrays of sums: numpy and scipy.special only."""
