"""The menu beside every page: jazzmin's entries, of which the one that is here is marked."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from jazzmin.templatetags.jazzmin import get_side_menu

from backoffice.readers import Reader


class Menu:
    """Of everybody who may do the same and reads the same language: drawn once for each entry that may be here."""

    def __init__(self, person: Reader, apps: list[dict]) -> None:
        """`apps`: what the site lets them see."""
        self._apps = get_side_menu({"user": person, "available_apps": apps})
        self._addresses = [model["url"] for app in self._apps for model in app["models"] if model["url"]]
        self._drawn: dict[tuple[str, bool], SafeString] = {}

    def beside(self, path: str) -> SafeString:
        """The entries beside the page at this path."""
        here = next((address for address in self._addresses if path.startswith(address)), "")
        drawn = self._drawn.get((here, here == path))
        if drawn is None:
            shown = {"apps": self._apps, "here": here, "is_itself": here == path}
            drawn = self._drawn[here, here == path] = render_to_string("admin/includes/menu.html", shown)
        return drawn
