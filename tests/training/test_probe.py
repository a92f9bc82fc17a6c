import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from astrofound.networks import build_head
from astrofound.training import SOLVERS, fit_head, fit_temperature
from astrofound.training.probe import _PENALTIES
from astrofound.utils import InputError


@pytest.fixture(scope='module')
def data():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 600)
    features = rng.normal(size=(600, 12)).astype(np.float32)
    features[:, :3] += 2.0 * np.eye(3)[codes]
    return 50 * features + 7, codes


@pytest.mark.parametrize('name', ['linear', 'mlp', 'whiten'])
@pytest.mark.parametrize('solver', SOLVERS)
def test_every_solver_learns(data, name, solver):
    features, codes = data
    head = build_head(name, 12, 3)
    fit_head(head, features, codes, train=np.arange(400), validation=np.arange(400, 500),
             solver=solver, n_epochs=40, learning_rate={'sgd': 0.05, 'adamw': 0.01}.get(solver))
    with torch.no_grad():
        right = head.eval()(torch.from_numpy(features[500:])).argmax(1).numpy() == codes[500:]
    assert right.mean() > 0.7


def test_converges_to_the_logistic_regression(data):
    features, codes = data
    head, rows = build_head('linear', 12, 3), np.arange(400)
    fit_head(head, features, codes, train=rows, validation=rows[:0], solver='lbfgs')
    scaler = StandardScaler().fit(features[rows])
    # scikit-learn's penalty is half a square of the weights, for the sum of the losses
    reference = LogisticRegression(C=1 / (2 * _PENALTIES[1] * len(rows)), max_iter=5000, tol=1e-8)
    reference.fit(scaler.transform(features[rows]), codes[rows])
    with torch.no_grad():
        ours = torch.softmax(head(torch.from_numpy(features)), 1).numpy()
    theirs = reference.predict_proba(scaler.transform(features))
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_scale_comes_from_training_rows_alone(data):
    features, codes = data
    changed = features.copy()
    changed[400:] *= 100
    heads = [build_head('whiten', 12, 3) for _ in range(2)]
    for head, own in zip(heads, (features, changed), strict=True):
        fit_head(head, own, codes, train=np.arange(400), validation=np.arange(0), n_epochs=1)
    assert torch.equal(heads[0].level, heads[1].level)
    assert torch.equal(heads[0].scale, heads[1].scale)


def test_unknown_solver(data):
    with pytest.raises(InputError, match="did you mean 'lbfgs'"):
        fit_head(build_head('linear', 12, 3), *data, train=np.arange(9), validation=np.arange(0),
                 solver='lbgfs')


@pytest.mark.parametrize('factor', [0.3, 1.0, 4.0])
def test_temperature_is_found(factor):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 4))
    cumulated = softmax(logits, axis=1).cumsum(axis=1)
    codes = (rng.random((len(logits), 1)) > cumulated).sum(axis=1).clip(max=3)
    assert fit_temperature(factor * logits, codes) == pytest.approx(factor, rel=0.05)


def test_temperature_of_a_few_right_answers_is_no_certainty():
    assert fit_temperature(np.array([[5.0, 0.0], [0.0, 5.0]]), [0, 1]) > 0.2
    assert fit_temperature(np.zeros((0, 2)), []) == 1.0
