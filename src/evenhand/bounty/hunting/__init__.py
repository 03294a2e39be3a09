"""Hunters that are machines, and how a hunter packs a model."""
