import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from astrofound.backbones import find_spec
from astrofound.backbones.loading import _build
from astrofound.guidance import estimate_cost
from astrofound.guidance.costs import forward_flops, measure_speed


@pytest.mark.parametrize('name', ['resnet18', 'resnet50', 'siglip_vitb16', 'dinov2_vits14'])
@pytest.mark.parametrize('size', [224, 448])
def test_operations_are_what_torch_counts(name, size):
    spec = find_spec(name)
    with torch.device('meta'):
        model = _build(spec).model.eval()
        image = torch.rand(1, 3, size, size)
    more = {'interpolate_pos_encoding': True} if 'siglip' in name else {}
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(image, **more)
    assert forward_flops(spec, size) == pytest.approx(counter.get_total_flops(), rel=0.2)


def test_training_costs_more_than_embedding():
    def cost(strategy, n_images=1000, image_size=224):
        return estimate_cost(find_spec('siglip_vitb16'), strategy, image_size=image_size,
                             n_images=n_images, speed=1e11)

    frozen, lora, tuned = (cost(name) for name in ('frozen', 'lora', 'finetune'))
    assert frozen.seconds < lora.seconds < tuned.seconds
    assert frozen.n_bytes < lora.n_bytes < tuned.n_bytes
    assert cost('frozen', n_images=2000).seconds == pytest.approx(2 * frozen.seconds)
    assert cost('frozen', image_size=448).seconds > 4 * frozen.seconds
    # a known size: ViT-B with Adam, 64 images in single precision
    assert 8e9 < tuned.n_bytes < 12e9
    assert '1000 images x one pass' in frozen.how


@pytest.mark.parametrize(('seconds', 'said'), [(0.1, '1 s'), (80, '80 s'), (600, '10 min'),
                                               (10_000, '3 h'), (1e6, '12 days')])
def test_readable(seconds, said):
    from astrofound.guidance import Cost

    assert str(Cost(seconds, 2.5e9, '')) == f'about {said}, 2.5 GB'


def test_speed_is_measured_once():
    assert 1e8 < measure_speed('cpu') < 1e14
    assert measure_speed('cpu') == measure_speed('cpu')
