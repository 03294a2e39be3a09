"""Slices as one self-contained HTML file."""


def render_html(found: object) -> str:
    """Report."""
    return str(found)
