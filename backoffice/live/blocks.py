"""The blocks on the admin's first page, which refresh themselves. Each app adds its own in a `dashboard.py`:

@block(order=20, permission="inference.view_prediction", models=[Prediction], template="inference/review.html")
def waiting_for_review() -> dict | None:
    return {"rows": [...]}

What the function returns is computed once for everybody, until a row of its `models` changes: so it knows no user, and
holds what plain.py can keep. None hides the block. The template is drawn for each user, and asks `perms`.

A block without `models` is computed for each user at each look, and its function takes the user: for what not all may
see alike, or what changes outside of the database. It must be cheap.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import models
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from backoffice.discovery import Registry
from backoffice.live.computed_once import computed_once
from backoffice.live.versions import version_of, watch
from backoffice.readers import Reader

KEPT_SECONDS = 60  # what no signal tells of, such as a new day or a restored backup, shows after so long
# Another text each time it is drawn, which says nothing new.
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


@dataclass(frozen=True)
class Block:
    name: str
    order: int
    permissions: frozenset[str]
    template: str
    columns: int
    every: int
    models: tuple[type[models.Model], ...]
    compute: Callable[..., dict | None]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        return f"{self.compute.__module__}.{self.name}"

    def context(self) -> dict | None:
        """What the template needs, where it is the same for all users of one language."""
        return computed_once(
            f"block:{self.key}:{get_language()}", self.compute, version=self.version, seconds=KEPT_SECONDS
        )

    def version(self) -> str:
        return f"{timezone.localdate()} {version_of(self.models)}"

    def draw(self, request: HttpRequest) -> "Drawn":
        context = self.context() if self.models else self.compute(request.user)
        html = "" if context is None else render_to_string(self.template, context, request)
        return Drawn(self, html)


@dataclass(frozen=True)
class Drawn:
    """A block as one user sees it."""

    block: Block
    html: SafeString | str

    @property
    def stamp(self) -> str:
        """A short text that differs where the page would look different."""
        return hashlib.sha256(TOKEN.sub("", self.html).encode()).hexdigest()[:16]


blocks: Registry[Block] = Registry("dashboard")  # a block's name is its address, /admin/live/<name>/


def block(
    *,
    order: int,
    permission: str | Iterable[str],
    template: str,
    models: Iterable[type[models.Model]] = (),
    columns: int = 12,
    every: int = 10,
) -> Callable:
    """Register a function that returns its template's context, or None where there is nothing to show.

    Whoever has the `permission`, or one of several, sees it. `models` are those whose changes it shows; `columns` of
    twelve is how wide the block may grow; a page that is looked at asks for it `every` so many seconds.
    """
    permissions = frozenset([permission] if isinstance(permission, str) else permission)

    def register(compute: Callable[..., dict | None]) -> Callable[..., dict | None]:
        added = Block(compute.__name__, order, permissions, template, columns, every, tuple(models), compute)
        blocks.add(added.name, added)
        watch(*models)
        return compute

    return register


def blocks_for(user: Reader) -> list[Block]:
    """The blocks that this user may see, in their order."""
    return [
        block
        for block in sorted(blocks.all().values(), key=lambda block: block.order)
        if any(user.has_perm(permission) for permission in block.permissions)
    ]


def block_for(user: Reader, name: str) -> Block | None:
    return next((block for block in blocks_for(user) if block.name == name), None)
