"""What may go wrong by the user's doing: one sentence each, shown as it is, never a traceback."""


class LiftError(Exception):
    """Base of all errors whose message is meant for the user.

    The message says what is wrong, where (file, frame, key) and what to do.
    """


class TrackError(LiftError):
    """A keypoint file cannot be read or does not hold a usable 2D track."""


class MotionError(LiftError):
    """A motion file cannot be read, or a track cannot be put in the world."""


class ModelError(LiftError):
    """A model file is missing, damaged or of another kind than asked for."""


class RigError(LiftError):
    """A rig lacks what the motion needs, or cannot be read."""


def reason(error: Exception) -> str:
    """What another library's error says; the system's without its number and the file's name."""
    return str((isinstance(error, OSError) and error.strerror) or error)


def how_to_install(extra: str = "") -> str:
    """What to do to have the packages of an extra, or without one those that are always needed."""
    what = f"'.[{extra}]'" if extra else "."
    return f"pip install {what} in the repository"


class Cancelled(Exception):  # noqa: N818 - it is no error
    """Raised by a progress callback to stop the work; nothing has been changed."""
