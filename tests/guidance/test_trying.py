import pytest

from astrofound.datasets import make_labelled
from astrofound.guidance import advise, try_candidates


@pytest.fixture(scope='module')
def data():
    return make_labelled('mirabest', 24, seed=1)


@pytest.fixture(scope='module')
def advice(data):
    return advise(data, domain='radio', backbones=['toy_vit', 'cradio_v3_b'], device='cpu',
                  speed=1e10)


def test_candidates_are_run_and_ranked(advice, data, tmp_path):
    path = tmp_path / 'runs.ecsv'
    ranking, best = try_candidates(advice, data, n=2, n_folds=2, path=path, cache=tmp_path)
    assert len(ranking) == 2
    assert ranking['f1'][0] >= ranking['f1'][1]
    assert (ranking['n_runs'] == 2).all()
    assert best.backbone == 'toy_vit'      # the other's weights are not here
    assert best.head in ranking['name'][0]
    again, _ = try_candidates(advice, data, n=2, n_folds=2, path=path)
    assert again['seconds_fit'].tolist() == ranking['seconds_fit'].tolist()


def test_bad_input(advice, data):
    with pytest.raises(ValueError, match="'n' must be an integer of at least 1"):
        try_candidates(advice, data, n=0)
    absent = advise(data, backbones=['cradio_v3_b'], device='cpu', speed=1e10)
    with pytest.raises(ValueError, match='no candidate has its weights on this machine'):
        try_candidates(absent, data)
    detection = advise(data, 'detection', device='cpu', speed=1e10)
    with pytest.raises(ValueError, match='candidates for detection cannot be tried'):
        try_candidates(detection, data)
