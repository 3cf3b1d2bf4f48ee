"""What a phone's camera reads off a page."""

import segno


def qr_code(text: str) -> str:
    """A `data:` address of an SVG, black on white in both themes."""
    return segno.make(text, micro=False).svg_data_uri(scale=5, dark="#000", light="#fff")
