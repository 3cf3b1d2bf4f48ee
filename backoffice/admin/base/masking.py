"""Fields of which people see the last signs only, wherever they are shown."""

from collections.abc import Collection

from backoffice.admin.base.lookups import OnlyOfferedLookups


class MaskingAdmin(OnlyOfferedLookups):
    """The admin of records with such fields. The history and the pages that compare records ask for them here."""

    masked_fields: Collection[str] = ()
