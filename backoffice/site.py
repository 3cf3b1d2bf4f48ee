"""The admin site, and what every page knows about the clinic."""

from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from backoffice.access.second_factor import rules
from backoffice.access.second_factor import views as second_factor
from backoffice.access.sign_in import SignInForm
from backoffice.live.blocks import block_for, blocks_for
from backoffice.live.unless_seen import unless_seen


class BackofficeSite(admin.AdminSite):
    site_title = "Collimator"
    site_header = "Collimator"
    index_title = _("Today")
    password_change_template = "admin/password_change_form.html"  # noqa: S105  (a file name)
    logout_template = "admin/logged_out.html"
    login_form = SignInForm
    enable_nav_sidebar = False  # jazzmin has its own

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

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        blocks = [block.draw(request) for block in blocks_for(request.user)]
        return super().index(request, {"blocks": blocks, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Whatever a page asks for by itself lies under live/: it is no sign that somebody is at work.
        live = path("live/<slug:name>/", self.admin_view(self.live_block), name="live_block")
        return [live, *second_factor.urls(), *super().get_urls()]

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


def clinic_name(request: HttpRequest) -> dict[str, str]:
    """Context processor: the clinic's name, for every template."""
    return {"clinic_name": settings.CLINIC_NAME}
