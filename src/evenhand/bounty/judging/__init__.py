"""From submissions to verdicts: practice rows, sealed blocks, fresh rows."""
