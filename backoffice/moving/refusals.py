class MoveRefusedError(Exception):
    """The move is not begun, or not ended: says why, and what to do."""
