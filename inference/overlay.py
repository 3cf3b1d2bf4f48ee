"""A stored heat map as the glow that is laid over the film. Pillow only: the web process draws it."""

from io import BytesIO

from PIL import Image

LONG_EDGE = 512  # the browser stretches it over the film; smooth at this size
COOL, HOT = (214, 40, 40), (255, 190, 70)
MOST_OPAQUE = 0.85


def draw(heatmap: bytes) -> bytes:
    """A grey PNG in, an RGBA PNG out: clear where the model did not look, red to amber where it did."""
    with Image.open(BytesIO(heatmap), formats=["PNG"]) as stored:
        scale = LONG_EDGE / max(stored.size)
        size = [max(1, round(edge * scale)) for edge in stored.size]
        heat = stored.convert("L").resize(size, Image.Resampling.BICUBIC)
    red_green_blue = [
        heat.point([round(cool + (hot - cool) * level / 255) for level in range(256)])
        for cool, hot in zip(COOL, HOT, strict=True)
    ]
    # Squared, so that a little attention everywhere does not veil the film.
    opacity = heat.point([round(255 * MOST_OPAQUE * (level / 255) ** 2) for level in range(256)])
    target = BytesIO()
    Image.merge("RGBA", [*red_green_blue, opacity]).save(target, "PNG")
    return target.getvalue()
