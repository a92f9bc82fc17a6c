"""Several processes that train one network, where ``accelerate launch`` started them."""

import os

import torch

__all__ = ['Ranks']


class Ranks:
    """
    One process among those that train together; alone unless it was launched with others.

    Attributes
    ----------
    n : int
        Number of processes.
    index : int
        Which of them this is, from 0.
    """

    def __init__(self):
        self._accelerator = None
        if int(os.environ.get('WORLD_SIZE', '1')) > 1:  # set by accelerate launch and torchrun
            from accelerate import Accelerator

            self._accelerator = Accelerator()
        self.n = 1 if self._accelerator is None else self._accelerator.num_processes
        self.index = 0 if self._accelerator is None else self._accelerator.process_index

    @property
    def is_main(self):
        """Whether this process writes and speaks for all."""
        return self.index == 0

    def device(self, alone):
        """
        Return where this process computes.

        Parameters
        ----------
        alone : `torch.device`
            Where it does when it is alone.

        Returns
        -------
        device : `torch.device`
            Its own device.
        """
        return alone if self._accelerator is None else self._accelerator.device

    def share(self, rows):
        """
        Return this process's part of the rows of a batch.

        Parameters
        ----------
        rows : 1D `~numpy.ndarray`
            The batch.

        Returns
        -------
        part : 1D `~numpy.ndarray`
            Every ``n``-th row; as many in every process, so that none is left out of a sum.
        """
        if len(rows) < self.n:
            return rows
        return rows[:len(rows) // self.n * self.n][self.index::self.n]

    def agree(self, value):
        """
        Give all processes the number that the first one has.

        Parameters
        ----------
        value : float
            Own number; looked at in the first process only.

        Returns
        -------
        value : float
            The same everywhere.
        """
        if self._accelerator is None:
            return value
        from accelerate.utils import broadcast

        tensor = torch.tensor([value], dtype=torch.float64, device='cpu')
        return float(broadcast(tensor.to(self._accelerator.device)).item())

    def wait(self):
        """Wait until all processes have come here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()

    @torch.no_grad()
    def average(self, tensors):
        """
        Give all processes the mean of their tensors, in place.

        Parameters
        ----------
        tensors : iterable of `torch.Tensor` or None
            The same ones in every process; `None` and whole numbers are passed over.
        """
        if self._accelerator is None:
            return
        for tensor in tensors:
            if tensor is not None and tensor.is_floating_point():
                tensor.copy_(self._accelerator.reduce(tensor.contiguous(), reduction='mean'))
