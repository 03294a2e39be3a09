"""Metrics of labels, predictions and scores."""
