"""Fit a head to features that were computed once: seconds for ten thousand images."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from astrofound.utils import check_choice

__all__ = ['SOLVERS', 'fit_head']

#: How a head is fitted to fixed features.
SOLVERS = {
    'lbfgs': 'to convergence, with a penalty chosen on the validation images',
    'sgd': "the paper's: learning rate 5e-4, batches of 64, neither momentum nor schedule",
    'adamw': 'AdamW with half a cosine, keeping the epoch of the lowest validation loss',
}
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)  # of the mean square weight, in units of the mean loss
_BATCH = 64


def fit_head(head, features, codes, *, train, validation, solver='lbfgs', n_epochs=100,
             learning_rate=None, class_weights=None, seed=0):
    """
    Fit a head to pooled features, in place.

    Parameters
    ----------
    head : VectorHead
        Its fixed map is taken from the training features first.
    features : 2D array
        Shape ``(n, n_features)``.
    codes : 1D array of int
        Class of each row.
    train, validation : 1D array of int
        Rows for either; without validation rows a middle penalty and the last epoch are taken.
    solver : str, optional
        A key of ``SOLVERS``. A head with a hidden layer has no convex loss: ``'lbfgs'`` gives
        it ``'adamw'``.
    n_epochs : int, optional
        Passes over the training rows, of ``'sgd'`` and ``'adamw'``.
    learning_rate : float, optional
        By default 5e-4 for ``'sgd'`` and 1e-3 for ``'adamw'``.
    class_weights : 1D array, optional
        Weight of each class in the loss.
    seed : int, optional
        Decides the order of the rows and what is dropped.

    Returns
    -------
    history : list of dict
        For each epoch, or each penalty, the losses.
    """
    check_choice('solver', solver, SOLVERS)
    features = torch.as_tensor(np.asarray(features), dtype=torch.float32)
    codes = torch.as_tensor(np.asarray(codes), dtype=torch.int64)
    weights = None if class_weights is None else torch.as_tensor(
        np.asarray(class_weights), dtype=torch.float32)
    head.fit_scale(features[train])
    fit = _Fit(head, features[train], codes[train], features[validation], codes[validation],
               weights)
    layered = len([m for m in head.layers if isinstance(m, torch.nn.Linear)]) > 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if solver == 'lbfgs' and not layered:
            return fit.converge()
        if solver == 'sgd':
            optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate or 5e-4)
            return fit.descend(optimizer, n_epochs, schedule=False)
        optimizer = torch.optim.AdamW(head.parameters(), lr=learning_rate or 1e-3,
                                      weight_decay=0.05)
        return fit.descend(optimizer, n_epochs, schedule=True)


class _Fit:
    """A head with its training and validation rows."""

    def __init__(self, head, x, y, x_validation, y_validation, weights):
        self.head, self.x, self.y, self.weights = head, x, y, weights
        self.x_validation, self.y_validation = x_validation, y_validation

    def converge(self):
        """Solve the convex problem for each penalty; keep the best on the validation rows."""
        history, best = [], None
        penalties = _PENALTIES if len(self.y_validation) else _PENALTIES[1:2]
        self.head.eval()  # dropout would make another loss at every look
        for penalty in penalties:
            self._solve(penalty)
            entry = {'penalty': penalty, 'loss': self._loss(self.x, self.y).item()}
            if len(self.y_validation):
                entry['validation_loss'] = self._validate()
            history.append(entry)
            loss = entry.get('validation_loss', entry['loss'])
            if best is None or loss < best[0]:
                best = loss, _copy(self.head)
        self.head.load_state_dict(best[1])
        return history

    def _solve(self, penalty):
        linear = self.head.layers[-1]
        optimizer = torch.optim.LBFGS(self.head.parameters(), max_iter=500, history_size=20,
                                      tolerance_grad=1e-5, line_search_fn='strong_wolfe')

        def closure():
            optimizer.zero_grad()
            loss = self._loss(self.x, self.y) + penalty * linear.weight.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    def descend(self, optimizer, n_epochs, *, schedule):
        """Take steps over shuffled batches; AdamW keeps its best epoch, SGD its last."""
        history, best = [], None
        rate = optimizer.param_groups[0]['lr']
        for epoch in range(n_epochs):
            if schedule:
                optimizer.param_groups[0]['lr'] = rate * 0.5 * (
                    1 + math.cos(math.pi * epoch / n_epochs))
            self.head.train()
            total = 0.0
            for rows in torch.randperm(len(self.y)).split(_BATCH):
                loss = self._loss(self.x[rows], self.y[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            self.head.eval()
            entry = {'epoch': epoch + 1, 'loss': total / len(self.y)}
            if len(self.y_validation):
                entry['validation_loss'] = self._validate()
                if schedule and (best is None or entry['validation_loss'] < best[0]):
                    best = entry['validation_loss'], _copy(self.head)
            history.append(entry)
        if best is not None:
            self.head.load_state_dict(best[1])
        return history

    def _loss(self, x, y):
        return F.cross_entropy(self.head(x), y, weight=self.weights)

    @torch.no_grad()
    def _validate(self):
        return self._loss(self.x_validation, self.y_validation).item()


def _copy(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}
