"""Texts as spreadsheets may read them: what is a formula there is none here."""


def inert_cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula.

    Examples
    --------
    >>> inert_cell("=1+1"), inert_cell("wales")
    ("'=1+1", 'wales')
    """
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
