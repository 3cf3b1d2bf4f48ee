"""Where the Procfile's web process listens, as a browser on this machine reaches it. The settings ask it."""

BIND = "127.0.0.1:8000"
EVERYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104  (a machine's every address, its own among them)


def served_at(bind: str) -> str:
    """`0.0.0.0:8903` → `http://127.0.0.1:8903`. A socket in a file, or several, say nothing: then the usual address."""
    host, _colon, port = bind.strip().removeprefix("tcp://").rpartition(":")
    if not port.isdecimal() or "," in host:
        return served_at(BIND)
    return f"http://{'127.0.0.1' if host in EVERYWHERE else host}:{port}"
