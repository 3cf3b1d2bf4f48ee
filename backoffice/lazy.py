"""Text that is perhaps translated only when it is shown."""

from typing import TYPE_CHECKING

from django.utils.functional import Promise

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as LazyText
else:
    LazyText = str | Promise
