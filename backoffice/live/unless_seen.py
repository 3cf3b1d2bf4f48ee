"""What pages ask for again and again while somebody looks at them.

A page names the state that it shows (`seen`); where that still holds the answer is 204, which htmx takes for “leave it
as it is”. So nothing moves under a finger, a keyboard's focus or a screen reader unless there is something new.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def unless_seen(request: HttpRequest, now: str, draw: Callable[[], HttpResponse]) -> HttpResponse:
    """What `draw` answers, or 204 where the page shows it already. `now` is the stamp of what it would show."""
    return HttpResponse(status=204) if request.GET.get("seen") == now else draw()
