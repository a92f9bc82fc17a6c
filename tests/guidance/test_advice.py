import numpy as np
import pytest

from astrofound.datasets import LabelledImages
from astrofound.explore import Description
from astrofound.guidance import RULES, Situation, advise

SPEED = 1e11


def traits(source=10.0, image=132.0, **changes):
    values = {'n_images': 100, 'image_pix': image, 'blank': 0.0, 'fill_factor': 0.01,
              'n_sources': 120, 'snr': 12.0, 'dynamic_range': 80.0, 'noise_length': 3.0,
              'source_pix': source}
    return Description(**{**values, **changes})


def ask(description=None, task='classification', **options):
    options = {'n_labels': 4692, 'speed': SPEED, 'device': 'cpu', 'max_hours': None, **options}
    return advise(description or traits(), task, **options)


def names(advice):
    return list(dict.fromkeys(one.backbone for one in advice.candidates))


def test_optical_galaxies_get_language_models_first_and_no_mae():
    advice = ask(traits(source=40.0, image=64.0), domain='optical', n_labels=800)
    assert advice.best.backbone.startswith(('siglip', 'cradio'))
    frozen = [one.backbone for one in advice.candidates
              if (one.strategy, one.head, one.crop) == ('frozen', 'linear', None)]
    assert frozen.index('siglip_vitb16') < frozen.index('dinov2_vitb14') < frozen.index('resnet50')
    assert frozen.index('mae_vitb16') == max(
        frozen.index(name) for name in frozen if name.endswith(('vitb16', 'vitb14')))
    assert advice.best.crop is None


def test_small_sources_are_cropped_or_enlarged():
    small, large = ask(traits(source=8.0)), ask(traits(source=80.0))
    assert small.best.crop == 'segmentation'
    assert large.best.crop is None
    enlarged = [one for one in small.candidates if one.image_size > 224]
    assert enlarged
    assert {one.image_size for one in enlarged if one.backbone == 'siglip_vitb16'} <= {320, 480}
    # whole patches of every backbone, and a source fills one where that is possible
    assert all(one.image_size % 14 == 0 for one in enlarged if one.backbone == 'dinov2_vitb14')
    assert not [one for one in large.candidates if one.image_size > 224]
    cropped = next(one for one in small.candidates if one.crop)
    whole = next(one for one in small.candidates
                 if one.backbone == cropped.backbone and not one.crop)
    assert cropped.n_patches > 3 * whole.n_patches


def test_gains_are_those_of_table_4():
    advice = ask(traits(source=8.0), backbones=['resnet50'])
    gain = {(one.strategy, one.head, one.crop): one.gain for one in advice.candidates
            if one.image_size == 224}
    plain = gain['frozen', 'linear', None]
    assert gain['frozen', 'mlp', None] - plain == pytest.approx(0.015)
    assert gain['frozen', 'linear', 'segmentation'] - plain == pytest.approx(0.132)
    assert gain['finetune', 'linear', None] - plain == pytest.approx(0.226)
    both = gain['finetune', 'linear', 'segmentation']
    assert max(0.132, 0.226) < both - plain < 0.132 + 0.226


@pytest.mark.parametrize(('n_labels', 'strategy'), [
    (100, {'frozen'}), (1000, {'lora'}), (5000, {'finetune'})])
def test_strategy_follows_the_number_of_labels(n_labels, strategy):
    advice = ask(n_labels=n_labels, backbones=['siglip_vitb16', 'dinov2_vitb14'])
    assert {advice.best.strategy} == strategy


def test_whitening_needs_images():
    def heads(n_labels):
        advice = ask(traits(source=80.0), n_labels=n_labels, backbones=['compact'])
        return [one.head for one in advice.candidates
                if (one.strategy, one.crop) == ('frozen', None)]

    assert heads(1000).index('whiten') > heads(1000).index('linear')
    assert heads(5000).index('whiten') < heads(5000).index('linear')


def test_detection():
    compact = ask(traits(source=4.0, image=1024.0), 'detection')
    assert compact.best.strategy == 'bundled'
    others = [one for one in compact.candidates if one.strategy != 'bundled']
    assert others[0].backbone.startswith(('dino', 'msn'))
    large = ask(traits(source=32.0), 'detection')
    frozen = [one.backbone for one in large.candidates if one.strategy == 'frozen']
    assert frozen.index('resnet50') < frozen.index('siglip_vitb16')
    assert 'Table 5' in compact.summary()


def test_costs_leave_out_what_takes_too_long():
    everything, quick = ask(), ask(max_hours=0.5)
    assert 0 < len(quick.candidates) < len(everything.candidates)
    assert quick.n_left_out == len(everything.candidates) - len(quick.candidates)
    assert all(one.cost.seconds <= 1800 for one in quick.candidates)
    nothing = ask(max_hours=1e-6)
    assert len(nothing.candidates) == 1
    assert nothing.best.available


def test_cheapest_are_here_and_cheap():
    advice = ask()
    chosen = advice.cheapest(3)
    assert all(one.available for one in chosen)
    costs = sorted(one.cost.seconds for one in advice.candidates if one.available)
    assert [one.cost.seconds for one in chosen] == costs[:3]
    assert advice.best_here.available
    assert set(names(ask(backbones=['compact', 'toy_vit']))) == {'compact', 'toy_vit'}


def test_labelled_images_are_looked_at():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 32
    images = rng.normal(size=(12, 64, 64)) + 50 * np.exp(-(x**2 + y**2) / 8)
    data = LabelledImages(images, ['cw'] * 8 + ['acw'] * 2 + ['edge_on'] * 2)
    advice = ask(data, n_labels=None)
    situation = advice.situation
    assert (situation.n_labels, situation.n_smallest, situation.n_largest) == (12, 2, 8)
    assert situation.description.source_pix == pytest.approx(4.7, rel=0.2)
    assert situation.is_handed
    assert situation.is_unbalanced
    assert not situation.bytes
    assert advice.best.settings['augment'] == 'sky-parity'
    assert advice.best.settings['class_weight'] == 'balanced'
    said = advice.summary()
    assert 'without flips' in said
    assert 'fewer than 10 images' in said
    assert 'labels             12, 2 to 8 a class' in said


def test_text_names_reasons_and_references():
    said = str(ask(traits(source=8.0), domain='radio'))
    assert 'Lastufka et al. 2025' in said
    assert 'it spans 6% of the image' in said
    assert '[Sect. 3.2.3, Table 4]' in said
    assert 'weights not here' in said
    assert all(len(line) <= 130 for line in said.splitlines() if 'astrofound train' not in line)
    assert '{' not in said
    assert len(repr(ask()).splitlines()) == 1


def test_command_is_one_that_exists():
    from astrofound.cli.train import classifier

    known = {word for option in classifier.params for word in option.opts}
    for one in ask(traits(source=8.0, dynamic_range=1e4), backbones=['compact']).candidates:
        words = one.command.split()
        assert words[:4] == ['astrofound', 'train', 'classifier', 'DATA']
        assert set(words[4::2]) <= known
    assert ask(task='detection').best_here.command == 'astrofound detect IMAGE'


@pytest.mark.parametrize('rule', RULES, ids=lambda rule: rule.name)
def test_every_rule_can_apply_and_match(rule):
    situations = [Situation(
        traits(source=source, dynamic_range=1e4), task, n_labels=n, domain=domain,
        classes=classes, n_smallest=5, n_largest=100, bytes=as_bytes)
        for task in ('classification', 'detection') for n in (50, 1000, 5000)
        for domain in (None, 'radio', 'optical') for source in (4.0, 100.0)
        for classes in (('cw', 'acw'), ('1', '2', '3', '4')) for as_bytes in (True, False)]
    assert any(rule.when(one) for one in situations)
    assert rule.reference == 'our judgement' or rule.reference.startswith(
        ('Sect. ', 'Table ', 'Fig. ', 'measured here'))


def test_names_of_rules_are_unique():
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(('options', 'message'), [
    ({'task': 'clasification'}, "did you mean 'classification'"),
    ({'domain': 'xray'}, "unknown domain 'xray'"),
    ({'n_labels': -1}, "'n_labels' must be an integer of at least 0"),
    ({'backbones': ['dinov2']}, "unknown backbone 'dinov2'"),
    ({'backbones': []}, 'at least one backbone'),
    ({'max_hours': 0}, "'max_hours' must be"),
    ({'speed': 0}, "'speed' must be"),
])
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        ask(**options)
