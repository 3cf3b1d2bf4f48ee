"""What runs by the clock."""

from datetime import time

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from backoffice.jobs.schedules import SUNDAY, daily, every_minute, on_demand, weekly

# Mails that waited for the mail server or for their next attempt go out.
every_minute("backoffice.jobs.mail.send_due", _("Send the mails that wait"), cluster=settings.DEFAULT_CLUSTER)
# Who wants to be told by mail is written to, once quiet hours are over.
every_minute("backoffice.notices.mails.send", _("Write to who wants notices by mail"), cluster=settings.DEFAULT_CLUSTER)
# Files that a lost task or a dead worker left behind are taken up again.
every_minute(
    "backoffice.imports.runs.look_for_waiting", _("Take up imports that nobody has"), cluster=settings.DEFAULT_CLUSTER
)
on_demand.add("backoffice.imports.runs.run_waiting", _("Read and write the files that came in"))
# What a visitor typed and never booked is gone when its hour is over, and does not wait for the night.
every_minute(
    "backoffice.access.session_expiry.forget_expired",
    _("Forget what visitors typed and never booked"),
    cluster=settings.DEFAULT_CLUSTER,
)
# What is committed is on the disk, and survives a power failure.
every_minute(
    "backoffice.jobs.sqlite_checkpoint.write_back", _("Have SQLite write to the disk"), cluster=settings.DEFAULT_CLUSTER
)
# Who looked at what is sealed once an hour, so that nobody changes it afterwards without being found out.
every_minute("backoffice.access.trail.seal_hourly", _("Seal the access trail"), cluster=settings.DEFAULT_CLUSTER)
# At night, what has had its time goes, and SQLite learns how large its tables have become.
daily(
    "backoffice.jobs.registry.purge_all",
    _("Take out what has had its time"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(3, 30),
)
daily(
    "backoffice.jobs.sqlite_analyze.renew_figures",
    _("Tell SQLite how large its tables are"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(3, 50),
)
# What the key before the last has sealed; nearly always nothing.
daily(
    "backoffice.sealing.rewriting.seal_anew",
    _("Seal by the newest key what an older one sealed"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(4, 0),
)
# Before anybody reads that it is whole.
daily(
    "backoffice.access.trail.check",
    _("Look whether the access trail is whole"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(4, 10),
)
# What yesterday was like, before people come.
daily(
    "backoffice.jobs.daily.summarise_yesterday",
    _("Sum up yesterday"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(6, 30),
)
# After midnight's last work and before the purge; the drill when nobody is here.
daily(
    "backoffice.backups.recorded.back_up_nightly",
    _("Back up database and private files"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(2, 30),
)
weekly(
    "backoffice.backups.recorded.drill_weekly",
    _("Restore the newest backup in a drill, and compare it"),
    cluster=settings.DEFAULT_CLUSTER,
    on=SUNDAY,
    at=time(4, 30),
)
# A backup that nobody makes any more fails nowhere: somebody has to notice that there is none.
daily(
    "backoffice.backups.standing.tell",
    _("Say what is amiss with the backups"),
    cluster=settings.DEFAULT_CLUSTER,
    at=time(6, 35),
)
