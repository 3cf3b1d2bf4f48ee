"""The same films, as other machines would have taken them. Torch; no Django.

Never mirrored, neither way: the heart is on one side, and the belly below.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

HIDDEN = 0.25  # the longest edge of what is hidden, as a share of the picture's


def varied(pictures: Tensor) -> Tensor:
    """Turn, zoom and shift each picture a little, and change its tone, sharpness and grain much; N×1×H×W in 0–1.

    Tone, sharpness and grain are what a machine has and a disease has not. A patch is hidden, so that no one place
    decides.
    """
    return _hidden(_toned(_moved(pictures))).clamp(0, 1)


def _moved(pictures: Tensor) -> Tensor:
    count = len(pictures)
    angle, zoom = 0.07 * torch.randn(count), 1 + 0.07 * torch.randn(count)
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    shift = 0.06 * torch.randn(2, count)
    rows = torch.stack((cosine, -sine, shift[0], sine, cosine, shift[1]), 1).view(count, 2, 3)
    grid = F.affine_grid(rows.to(pictures.device), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _toned(pictures: Tensor) -> Tensor:
    count, device = len(pictures), pictures.device

    def drawn(spread: float) -> Tensor:
        return (spread * torch.randn(count, 1, 1, 1)).to(device)

    gamma, gain, offset = drawn(0.3).exp(), 1 + drawn(0.2), drawn(0.1)
    toned = (pictures.clamp(1e-3, 1) ** gamma - 0.5) * gain + 0.5 + offset
    soft = F.avg_pool2d(F.pad(toned, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    sharper = drawn(0.5)  # below 0: blurred
    grain = (0.03 * torch.rand(count, 1, 1, 1) * torch.randn(pictures.shape)).to(device)
    return toned + sharper * (toned - soft) + grain


def _hidden(pictures: Tensor) -> Tensor:
    edge = pictures.shape[-1]
    longest = max(2, int(HIDDEN * edge))
    pictures = pictures.clone()
    for picture in pictures:
        if torch.rand(()) < 0.5:
            height, width = torch.randint(1, longest, (2,)).tolist()
            top, left = (int(torch.randint(edge - side, ())) for side in (height, width))
            picture[:, top : top + height, left : left + width] = picture.mean()
    return pictures
