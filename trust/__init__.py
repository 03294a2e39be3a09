"""Claims of Evenhand, measured: each world is simulated with fixed seeds, rivals on the same data.

``make trust`` measures all and writes results.json, docs/trust.md and its picture.
"""
