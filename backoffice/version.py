"""Which version of the software this is, as backups and logs name it."""

VERSION = "0.1.dev0"
