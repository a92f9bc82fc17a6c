"""Jobs on dask workers: every worker has one copy, those that come later too."""

from astrofound.utils import require

__all__ = ['CarriedJob', 'carried_job']

distributed = require('distributed', extra='scale', purpose='several workers')


class CarriedJob(distributed.WorkerPlugin):
    """
    Plugin that puts a job onto every worker there is and every one that comes.

    A result that the tasks depend on would do so too, but the scheduler then keeps the tasks where
    that result is: one worker does everything while the others look on.

    Parameters
    ----------
    job : object
        What the tasks need.
    """

    def __init__(self, job):
        self.job = job


def carried_job(name):
    """
    Return the job that this worker carries under a name.

    Parameters
    ----------
    name : str
        Of the plugin.

    Returns
    -------
    job : object
        The job.
    """
    return distributed.get_worker().plugins[name].job
