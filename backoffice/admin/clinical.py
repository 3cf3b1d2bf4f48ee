from backoffice.admin.exchange import ExchangeAdmin
from backoffice.admin.hiding import HideableAdmin
from backoffice.admin.history import HistoryAdmin
from backoffice.admin.lists import FastListAdmin
from backoffice.admin.trail import TrailAdmin
from backoffice.forms import ClinicalForm


class ClinicalAdmin(ExchangeAdmin, HideableAdmin, TrailAdmin, FastListAdmin, HistoryAdmin):
    """The admin of a clinical record: hideable, with history, and with a trail of who looked at it."""

    form = ClinicalForm
