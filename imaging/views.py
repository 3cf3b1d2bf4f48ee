"""The X-ray's files, each sent by a view that first asks who is there."""

from collections.abc import Callable
from typing import IO

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.base import File
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from backoffice.files.apart import Undone
from backoffice.models import AccessEvent
from backoffice.web.media import send_private
from imaging import ingest
from imaging.deep import open_deep
from imaging.enhanced import open_enhanced
from imaging.models import XRayImage
from imaging.without_identity import name_of, open_without_identity

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

    def original_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """Send the file as it came. A browser must never open what we did not make: always as a download."""
        xray = self._film_seen_by(request, pk)
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, xray)
        return send_private(
            xray.original,
            content_type=CONTENT_TYPES[xray.source_format],
            download_as=f"xray-{xray.pk}{ingest.SUFFIXES[xray.source_format][0]}",
        )

    def without_identity_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send an archive of the film's picture, and of its DICOM file without whose it is."""
        xray = self._film_seen_by(request, pk)
        AccessEvent.objects.record(request, AccessEvent.Action.DOWNLOAD, xray)
        name = f"{name_of(xray)}.zip"
        return self._send_made(lambda: open_without_identity(xray), content_type="application/zip", download_as=name)

    def pixels_view(self, request: HttpRequest, pk: int) -> FileResponse:
        xray = self._film_seen_by(request, pk)
        AccessEvent.objects.record(request, AccessEvent.Action.PICTURE, xray)
        return send_private(xray.pixels, content_type="image/png")

    def enhanced_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return self._send_drawn(request, self._film_seen_by(request, pk), open_enhanced)

    def deep_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send the picture of all bits, of a film that has more than a canonical picture holds."""
        xray = self._film_seen_by(request, pk)
        if not xray.has_deep_values:
            raise Http404
        return self._send_drawn(request, xray, open_deep)

    def _send_drawn(
        self, request: HttpRequest, xray: XRayImage, open_drawn: Callable[[XRayImage], File]
    ) -> HttpResponseBase:
        AccessEvent.objects.record(request, AccessEvent.Action.PICTURE, xray)
        return self._send_made(lambda: open_drawn(xray), content_type="image/png")

    def _send_made(
        self, make: Callable[[], IO[bytes]], *, content_type: str, download_as: str | None = None
    ) -> HttpResponseBase:
        try:
            made = make()
        except (Undone, ingest.Refused) as why:
            return HttpResponse(str(why), status=503, content_type="text/plain; charset=utf-8")
        return send_private(made, content_type=content_type, download_as=download_as)

    def thumbnail_view(self, request: HttpRequest, pk: int) -> FileResponse:
        # Not in the access trail: a list shows fifty, and opening the record is noted there.
        return send_private(self._film_seen_by(request, pk).thumbnail, content_type="image/jpeg")

    def _film_seen_by(self, request: HttpRequest, pk: int) -> XRayImage:
        """Return the X-ray if this user may see it: a hidden one is there for those alone who could restore it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        xray = self.get_object(request, str(pk))
        if xray is None:
            raise Http404
        return xray
