"""The base of every admin here: history without its hole, hiding in place of deleting, exchange, the access trail, fast
lists; and the admins of people, mails and the trail."""

from backoffice.admin.clinical import ClinicalAdmin
from backoffice.admin.exchange import ExchangeAdmin
from backoffice.admin.hiding import HiddenFilter, HideableAdmin
from backoffice.admin.history import HistoryAdmin
from backoffice.admin.lists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.mails import NoticeAdmin
from backoffice.admin.people import PersonAdmin
from backoffice.admin.trail import AccessEventAdmin, TrailAdmin

__all__ = [
    "AccessEventAdmin",
    "ClinicalAdmin",
    "ExchangeAdmin",
    "FastListAdmin",
    "HiddenFilter",
    "HideableAdmin",
    "HistoryAdmin",
    "NoticeAdmin",
    "PersonAdmin",
    "ReadOnlyAdmin",
    "TrailAdmin",
]
