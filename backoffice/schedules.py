"""What runs by the clock."""

from datetime import time

from django.conf import settings

from backoffice.jobs.schedules import daily, every_minute

# Mails that waited for the mail server or for their next attempt go out.
every_minute("backoffice.jobs.mail.send_due", cluster=settings.DEFAULT_CLUSTER)
# Files that a lost task or a dead worker left behind are taken up again.
every_minute("backoffice.imports.runs.look_for_waiting", cluster=settings.DEFAULT_CLUSTER)
# What a visitor typed and never booked is gone when its hour is over, and does not wait for the night.
every_minute("backoffice.access.session_expiry.forget_expired", cluster=settings.DEFAULT_CLUSTER)
# What is committed is on the disk, and survives a power failure.
every_minute("backoffice.jobs.sqlite_checkpoint.write_back", cluster=settings.DEFAULT_CLUSTER)
# At night, what has had its time goes, and SQLite learns how large its tables have become.
daily("backoffice.jobs.registry.purge_all", cluster=settings.DEFAULT_CLUSTER, at=time(3, 30))
daily("backoffice.jobs.sqlite_analyze.renew_figures", cluster=settings.DEFAULT_CLUSTER, at=time(3, 50))
