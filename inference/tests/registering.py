"""A tiny network's description, as the page's form sends it."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from inference.tests import tiny_networks as tiny

ADD = "/admin/inference/diagnosticmodel/add/"
FAMILY = "ResNet-50"


def described(content, name="tiny.safetensors", **changes):
    """What the page's form sends."""
    architecture, options = tiny.ARCHITECTURES[FAMILY]
    return {
        "weights": SimpleUploadedFile(name, content if isinstance(content, bytes) else content.read_bytes()),
        "name": "Ours",
        "architecture": architecture,
        "options": json.dumps(options),
        "labels": "covid-19\nnormal\nVIRAL_PNEUMONIA\nopacity",
        "input_size": tiny.INPUT_SIZE,
        "mean": "0.5",
        "std": "0.25",
        "fit": "crop",
        "interpolation": "bilinear",
        "crop_share": "0.875",
        "temperature": "1,5",
        "vote_weight": "1",
        **changes,
    }
