"""Work through the parts of a measurement here, where no runner is given."""

__all__ = ['run_here']


def run_here(stage, job, items):
    """
    Work through items one after the other, as the ``map`` of a runner would.

    Parameters
    ----------
    stage : str
        Name of the stage, for those that time or keep parts.
    job : object
        Has ``read`` and ``work``.
    items : iterable
        What to work through.

    Yields
    ------
    arrays : dict of str to `~numpy.ndarray`
        ``job.work(job.read(item))`` of each item.
    """
    for item in items:
        yield job.work(job.read(item))
