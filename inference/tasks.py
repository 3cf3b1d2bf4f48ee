"""What django-q2 calls. Each task is a nudge: the work itself is rows in a table."""


def answer_waiting() -> int:
    """Answer what waits. torch is first imported here, inside the worker: django-q2 forks, and torch used before the
    fork hangs the child."""
    from inference import health, nursery, worker

    try:
        return worker.answer_waiting(health.beat)
    finally:
        nursery.nurse.dismiss()
