"""Metrics of numeric predictions."""
