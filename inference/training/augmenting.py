"""The same films, as other machines would have taken them. Torch; no Django.

Never mirrored, neither way: the heart is on one side, and the belly below.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

WEAKEST_RIBS, STRONGEST_RIBS = -0.8, 1.5  # what is added of the detail that is as wide as ribs
HIDDEN = 0.25  # the longest edge of what is hidden, as a share of the picture's


def varied(pictures: Tensor, even: bool = False) -> Tensor:
    """Turn, zoom and shift each picture a little, and change its tone, sharpness and grain much; N×1×H×W in 0–1.

    Tone, sharpness and grain are what a machine has and a disease has not. A patch is hidden, so that no one place
    decides. With `even`, every grey becomes equally common again, for pictures that were prepared so.
    """
    seen = _hidden(_toned(_moved(pictures)))
    return evened(seen) if even else seen.clamp(0, 1)


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
    soft = _softened(toned, 2)
    sharper = drawn(0.5)  # below 0: blurred
    # A child's ribs, or a hard tube's, stand out more than another's.
    wide = int(torch.randint(3, max(4, pictures.shape[-1] // 10), ()))
    ribs = (WEAKEST_RIBS + (STRONGEST_RIBS - WEAKEST_RIBS) * torch.rand(count, 1, 1, 1)).to(device)
    grain = (0.03 * torch.rand(count, 1, 1, 1) * torch.randn(pictures.shape)).to(device)
    return toned + sharper * (toned - soft) + ribs * (soft - _softened(toned, wide)) + grain


def _softened(pictures: Tensor, reach: int) -> Tensor:
    """Each pixel the mean of those within `reach` of it, in rows and columns."""
    return F.avg_pool2d(F.pad(pictures, (reach,) * 4, mode="replicate"), 2 * reach + 1, stride=1)


def evened(pictures: Tensor) -> Tensor:
    """Make every grey equally common in each of N×1×H×W, of 256 from its darkest to its brightest, as OpenCV's
    equalizeHist does; 0–1."""
    seen = pictures.flatten(1)
    darkest, brightest = seen.amin(1, keepdim=True), seen.amax(1, keepdim=True)
    greys = ((seen - darkest) / (brightest - darkest).clamp_min(1e-6) * 255).round().long()
    counts = torch.zeros(len(greys), 256, device=greys.device).scatter_add_(1, greys, torch.ones_like(greys).float())
    below = counts.cumsum(1)
    lowest = counts.gather(1, greys.amin(1, keepdim=True))
    even = (below.gather(1, greys) - lowest) / (greys.shape[1] - lowest).clamp_min(1)
    return even.view_as(pictures)


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
