"""What django-q2 calls. Each task is a nudge: the work itself is rows in a table."""


def answer_waiting() -> int:
    """Answer what waits. torch is first imported here, inside the worker: django-q2 forks, and torch used before the
    fork hangs the child."""
    from inference import chosen_device, worker
    from inference.nn.devices import DeviceLostError
    from inference.registry import morning, nursery

    chosen_device.announce()
    try:
        finished = worker.answer_waiting()
        morning.check_where_asked()
        return finished
    except DeviceLostError as lost:
        # A process whose device has failed gets no further with it. Its cluster starts another one.
        raise SystemExit(str(lost)) from lost
    finally:
        nursery.nurse.dismiss()


def check_the_models() -> str:
    """Each night, and when somebody asks: do the models answer as before, on every machine? A job's result is kept as
    text: this worker's own."""
    from inference import chosen_device
    from inference.nn.devices import DeviceLostError
    from inference.registry import morning

    chosen_device.announce()
    try:
        check = morning.check_everywhere()
    except DeviceLostError as lost:
        raise SystemExit(str(lost)) from lost
    return "no model votes" if check is None else check.outcome
