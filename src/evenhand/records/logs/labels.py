"""Labels of STM, ``<o,f0,male>``: groups by their place, whose titles stand at the file's beginning."""


class LabelNames:
    """What labels and their places are called."""

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self._places: dict[str, str] = {}

    def add(self, what: str, id_: str, title: str) -> None:
        """A ``LABEL`` (of a value) or ``CATEGORY`` (of a place)."""
        (self._titles if what == "LABEL" else self._places)[id_] = title

    def columns(self, text: str) -> dict[str, str]:
        """Values of a row's labels by the names of their places.

        Examples
        --------
        >>> names = LabelNames()
        >>> names.add("LABEL", "male", "Male")
        >>> names.add("CATEGORY", "2", "sex")
        >>> names.columns("<o,f0,male>")
        {'label0': 'o', 'label1': 'f0', 'sex': 'Male'}
        """
        out = {}
        for place, label in enumerate(text.strip().strip("<>").split(",")):
            if label.strip():
                name = self._places.get(str(place)) or f"label{place}"
                out[name] = self._titles.get(label.strip()) or label.strip()
        return out
