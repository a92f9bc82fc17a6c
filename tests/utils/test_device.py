"""Device names become usable devices or one clear line."""

import pytest

from astrofound.utils import InputError, resolve_device

torch = pytest.importorskip('torch')


def test_auto_and_cpu():
    assert resolve_device('cpu') == torch.device('cpu')
    assert resolve_device(torch.device('cpu')) == torch.device('cpu')
    assert resolve_device().type == ('cuda' if torch.cuda.is_available() else 'cpu')


@pytest.mark.parametrize('name', ['gpu', 'cuda:99', 'meta', '', None, 'cpu:x'])
def test_unusable_device(name):
    with pytest.raises(InputError, match=r"device .* cannot be used here \(.+\); pass 'cpu'"):
        resolve_device(name)


@pytest.mark.gpu
def test_gpu():
    if not torch.cuda.is_available():
        pytest.skip('no GPU')
    assert resolve_device('auto').type == 'cuda'
