"""How much is how much: what the server gathers is what a page may take from anybody."""

SMALL = 64 * 1024  # bytes: the longest public form is a tenth of it
