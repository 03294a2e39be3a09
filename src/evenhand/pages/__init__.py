"""Pages: how answers are shown, whatever they are about."""
