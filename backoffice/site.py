"""The admin site, and what every page knows about the clinic."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.access.second_factor import rules
from backoffice.access.second_factor import views as second_factor
from backoffice.access.sign_in import SignInForm
from backoffice.live.blocks import block_for, blocks_for
from backoffice.live.unless_seen import unless_seen
from backoffice.menu import Menu

Kept = TypeVar("Kept")
MENUS_KEPT = 100  # of so many different sets of permissions, in each language
_EVERYTHING = frozenset(["everything"])  # two queries for each page would say the same of a superuser


class BackofficeSite(admin.AdminSite):
    site_title = "Collimator"
    site_header = "Collimator"
    index_title = _("Today")
    password_change_template = "admin/password_change_form.html"  # noqa: S105  (a file name)
    logout_template = "admin/logged_out.html"
    login_form = SignInForm
    enable_nav_sidebar = False  # jazzmin has its own

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._app_lists: dict[tuple, list[dict]] = {}
        self._menus: dict[tuple, Menu] = {}

    def has_permission(self, request: HttpRequest) -> bool:
        """Every page of the site asks this: who owes a second factor may do nothing but sign out."""
        if not super().has_permission(request):
            return False
        return rules.step_before(request) is None or request.path == reverse("admin:logout")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages lead here whomever they do not let in: who only owes the second factor is led on to it."""
        may_come = super().has_permission(request)
        if request.method == "GET" and may_come and (step := rules.step_before(request)):
            return redirect(f"{reverse(f'admin:{step}')}?{urlencode({'next': second_factor.where_to(request)})}")
        return super().login(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict]:
        """What the menu is made of, to read only.

        Every page has it, and building it took a fifth of one: it is built once for all who may do the same and read
        the same language, for nothing else makes a difference to it.
        """

        def built() -> list[dict]:
            return [_in_words(app) for app in super(BackofficeSite, self).get_app_list(request, app_label)]

        return _kept(self._app_lists, (*_seen_alike(request), app_label), built)

    def menu(self, request: HttpRequest) -> SafeString:
        """The entries beside this page, which takes another tenth of it to draw."""
        menu = _kept(self._menus, _seen_alike(request), lambda: Menu(request.user, self.get_app_list(request)))
        return menu.beside(request.path)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        blocks = [block.draw(request) for block in blocks_for(request.user)]
        return super().index(request, {"blocks": blocks, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Whatever a page asks for by itself lies under live/: it is no sign that somebody is at work.
        from backoffice.notices import pages as notices  # which asks for this site

        live = path("live/<slug:name>/", self.admin_view(self.live_block), name="live_block")
        return [*notices.urls(), live, *second_factor.urls(), *super().get_urls()]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        from backoffice.admin.base.choices import Choices  # the admin's modules need this site first

        return cast(HttpResponse, Choices.as_view(admin_site=self)(request))

    def live_block(self, request: HttpRequest, name: str) -> HttpResponse:
        """One block of the first page, or 204 where the page shows it as it is (`seen` is its stamp there)."""
        block = block_for(request.user, name)
        if block is None:
            raise Http404
        drawn = block.draw(request)
        return unless_seen(request, drawn.stamp, lambda: render(request, "admin/block.html", {"drawn": drawn}))


def _seen_alike(request: HttpRequest) -> tuple:
    """The same for all who may do the same and read the same language."""
    person = request.user
    return _EVERYTHING if person.is_superuser else frozenset(person.get_all_permissions()), get_language()


def _kept(kept: dict[tuple, Kept], key: tuple, make: Callable[[], Kept]) -> Kept:
    found = kept.get(key)
    if found is None:
        found = make()
        if len(kept) >= MENUS_KEPT:
            kept.clear()
        kept[key] = found
    return found


def _in_words(app: dict) -> dict:
    """The same with names of text: lazy ones would be looked up in the language of whoever reads them, each time."""
    models = [{**model, "name": str(model["name"])} for model in app["models"]]
    return {**app, "name": str(app["name"]), "models": models}


def clinic(request: HttpRequest) -> dict[str, str]:
    """Context processor: the clinic's name and where patients reach it, for every template."""
    return {"clinic_name": settings.CLINIC_NAME, "site_url": settings.SITE_URL}
