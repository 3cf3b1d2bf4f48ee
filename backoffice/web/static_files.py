"""Static files under names that change with their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Ours alone: libraries have scripts that import what they do not ship.
MODULES = "imaging/*.js"


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Modules import one another by these names too: else a browser would mix the new ones with old ones."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        MODULES,
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
