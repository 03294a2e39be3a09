"""Metrics of several raters of the same rows."""
