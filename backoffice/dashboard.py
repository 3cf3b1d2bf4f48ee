"""The blocks on the admin's first page. Each app adds its own in a `dashboard.py`:

@block(order=20, permission="inference.view_prediction", template="inference/dashboard_review.html", columns=7)
def waiting_for_review(request) -> dict:
    return {"predictions": Prediction.objects.needs_review()[:5]}
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.module_loading import autodiscover_modules
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Block:
    order: int
    permission: str
    template: str
    columns: int
    context: Callable[[HttpRequest], dict]

    def render(self, request: HttpRequest) -> SafeString:
        return render_to_string(self.template, self.context(request), request)


_blocks: list[Block] = []


def block(*, order: int, permission: str, template: str, columns: int = 12) -> Callable:
    """Register a function that returns its template's context. `columns` of twelve is how wide the block may grow."""

    def register(context: Callable[[HttpRequest], dict]) -> Callable[[HttpRequest], dict]:
        _blocks.append(Block(order, permission, template, columns, context))
        return context

    return register


def rendered_blocks(request: HttpRequest) -> list[tuple[int, SafeString]]:
    """(columns, HTML) of every block that this user may see, in their order."""
    autodiscover_modules("dashboard")
    return [
        (block.columns, block.render(request))
        for block in sorted(_blocks, key=lambda block: block.order)
        if request.user.has_perm(block.permission)
    ]
