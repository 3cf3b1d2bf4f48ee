"""A page's form as a browser would send it, for tests that press its button."""

from html.parser import HTMLParser


class Forms(HTMLParser):
    """Each form of a page: `name` → its values, as they stand there. Buttons are not among them."""

    def __init__(self):
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []
        self._form = self._select = self._textarea = self._option = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self._form = {}
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input":
            self._input(attrs)
        elif tag == "select":
            self._select = attrs.get("name")
        elif tag == "option" and self._select and "selected" in attrs:
            self._add(self._select, attrs.get("value", ""))
        elif tag == "textarea":
            self._textarea = (attrs.get("name"), [])

    def _input(self, attrs):
        kind, name = attrs.get("type", "text"), attrs.get("name")
        is_sent = kind not in ("submit", "button", "file") and (kind not in ("checkbox", "radio") or "checked" in attrs)
        if name and is_sent and "disabled" not in attrs and "__prefix__" not in name:
            self._add(name, attrs.get("value", "on" if kind in ("checkbox", "radio") else ""))

    def handle_data(self, data):
        if self._textarea:
            self._textarea[1].append(data)

    def handle_endtag(self, tag):
        if tag == "textarea" and self._textarea:
            name, parts = self._textarea
            if "__prefix__" not in name:
                self._add(name, "".join(parts).removeprefix("\n"))
            self._textarea = None
        self._select = None if tag == "select" else self._select
        self._form = None if tag == "form" else self._form

    def _add(self, name, value):
        self._form.setdefault(name, []).append(value)


def form_with(response, name: str) -> dict[str, list[str]]:
    """The first form of the page that has an input of this name."""
    page = Forms()
    page.feed(response.text)
    return next(form for form in page.forms if name in form)
