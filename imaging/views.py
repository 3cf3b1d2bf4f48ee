"""The X-ray's files, each sent by a view that first asks who is there."""

from collections.abc import Callable
from typing import IO

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from backoffice.files.apart import Undone
from backoffice.models import AccessEvent
from backoffice.web.kept_files import send_kept
from imaging import ingest
from imaging.derived import open_deep, open_original, open_pixels, open_thumbnail
from imaging.enhanced import open_enhanced
from imaging.models import XRayImage
from imaging.without_identity import name_of, open_without_identity

Opener = Callable[[XRayImage], IO[bytes]]

CONTENT_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "DICOM": "application/dicom"}


class PrivateFiles(admin.ModelAdmin):
    """Mixin of the X-ray's admin. The permission is that of the record; names and paths come from the row alone."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/original/", view(self.original_view), name="imaging_xrayimage_original"),
            path(
                "<int:pk>/without-identity/",
                view(self.without_identity_view),
                name="imaging_xrayimage_without_identity",
            ),
            path("<int:pk>/pixels/", view(self.pixels_view), name="imaging_xrayimage_pixels"),
            path("<int:pk>/thumbnail/", view(self.thumbnail_view), name="imaging_xrayimage_thumbnail"),
            path("<int:pk>/deep/", view(self.deep_view), name="imaging_xrayimage_deep"),
            path("<int:pk>/enhanced/", view(self.enhanced_view), name="imaging_xrayimage_enhanced"),
            *super().get_urls(),
        ]

    def original_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the file as it came. A browser must never open what we did not make: always as a download."""
        xray = self._film_seen_by(request, pk)
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, xray)
        name = f"xray-{xray.pk}{ingest.SUFFIXES[xray.source_format][0]}"
        return self._send(request, xray, open_original, CONTENT_TYPES[xray.source_format], download_as=name)

    def without_identity_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send an archive of the film's picture, and of its DICOM file without whose it is."""
        xray = self._film_seen_by(request, pk)
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, xray)
        return self._send(request, xray, open_without_identity, "application/zip", download_as=f"{name_of(xray)}.zip")

    def pixels_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._show(request, self._film_seen_by(request, pk), open_pixels)

    def enhanced_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._show(request, self._film_seen_by(request, pk), open_enhanced)

    def deep_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the picture of all bits, of a film that has more than a canonical picture holds."""
        xray = self._film_seen_by(request, pk)
        if not xray.has_deep_values:
            raise Http404
        return self._show(request, xray, open_deep)

    def thumbnail_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        # Not in the access trail: a list shows fifty, and opening the record is noted there.
        return self._send(request, self._film_seen_by(request, pk), open_thumbnail, "image/jpeg")

    def _show(self, request: HttpRequest, xray: XRayImage, open_file: Opener) -> HttpResponseBase:
        AccessEvent.objects.record(request, AccessEvent.Action.PICTURE, xray)
        return self._send(request, xray, open_file, "image/png")

    def _send(
        self,
        request: HttpRequest,
        xray: XRayImage,
        open_file: Opener,
        content_type: str,
        download_as: str | None = None,
    ) -> HttpResponseBase:
        try:
            file = open_file(xray)
        except (Undone, ingest.Refused) as error:
            why = str(error)
        except FileNotFoundError:
            why = _("The file is not there any more. Tell whoever runs the server: check_integrity says what to do.")
        else:
            return send_kept(request, file, content_type=content_type, download_as=download_as)
        return HttpResponse(why, status=503, content_type="text/plain; charset=utf-8")

    def _film_seen_by(self, request: HttpRequest, pk: int) -> XRayImage:
        """Return the X-ray if this user may see it: a hidden one is there for those alone who could restore it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        xray = self.get_object(request, str(pk))
        if xray is None:
            raise Http404
        return xray
