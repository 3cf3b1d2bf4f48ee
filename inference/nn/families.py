"""Which families of networks can show where they looked. Plain Python; no Django, no torch.

A map is worth showing where it lies on the finding. A consolidation was planted in one lung of phantoms, and the map
(nn/heatmaps.py) was right where its greater part was on that side; a coin is right in 50 %. Of 100 phantoms ResNet's
was in 86, DenseNet's in 96. Of 60 others EfficientNet's was in 65 %, ViT's in 65 %, Swin's in 62 %, CrossViT's in 38
%: those are not shown. Some eighty others were tried on the same 60 (HiResCAM, Grad-CAM, the same without what all
places say, the gradient's size; at every block and branch). The best were the gradient's size at an early block of
EfficientNet and at the middle one of ViT: 83 and 85 % there, 78 and 79 % of the 100, and of EfficientNet at more than
the price of the answer. Swin and CrossViT came to 70 % at most. In small transformers each place has heard of all the
others before a map can be drawn, and this EfficientNet ends in three by three places. Hiding one place after another
would find it, at the price of dozens of answers.
"""

WITHOUT_A_MAP = ("crossvit", "efficientnet", "swin", "tf_efficientnet", "vit")  # how timm's names begin


def shows_where(architecture: str) -> bool:
    """Whether a network of timm's of this name may show a map: it does, or it is of a family that nobody measured."""
    return not architecture.startswith(WITHOUT_A_MAP)
