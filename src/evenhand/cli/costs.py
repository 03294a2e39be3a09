"""What a label or a row costs, as the command line takes it."""


def read_cost(given: str) -> float | str:
    """A number, or the file that has one for each cell."""
    try:
        return float(given)
    except ValueError:
        return given
