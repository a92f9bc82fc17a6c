from dataclasses import replace

import numpy as np
import pytest

from astrofound.datasets import LabelledImages, make_labelled
from astrofound.guidance import EXPERIMENTS, describe_panel, reproduce
from astrofound.guidance.reproduction import _classifier, _models, _split

QUICK = {'backbones': ['toy_vit'], 'recipe': 'converged', 'repeats': 1, 'device': 'cpu'}


@pytest.fixture(scope='module')
def radio():
    return make_labelled('rgz', 60, seed=1)


@pytest.fixture(scope='module')
def optical():
    return make_labelled('galaxy_mnist', 40, seed=1)


def test_learning_curves_of_both_domains(radio, optical, tmp_path):
    result = reproduce('figure 3', [radio, optical], fractions=(0.5, 1.0), folder=tmp_path, **QUICK)
    assert list(result.runs) == ['optical', 'radio']
    toys = result.table[result.table['name'] == 'toy_vit']
    assert len(toys) == 4
    assert np.isnan(toys['published']).all()  # the paper prints nothing of a toy
    said = result.summary()
    assert said.count('figure only') == 5
    assert 'compare directions, not numbers' in said
    assert len(result.draw(path=tmp_path / 'a.png').axes) == 2
    kept = (tmp_path / 'figure_3_radio.ecsv').read_bytes()
    reproduce('figure 3', [radio], fractions=(0.5, 1.0), folder=tmp_path, **QUICK)
    assert (tmp_path / 'figure_3_radio.ecsv').read_bytes() == kept


def test_the_few_printed_points_stand_beside_ours(optical):
    result = reproduce('figure 3', [optical], fractions=(0.1, 1.0), **QUICK)
    best = result.table[result.table['published'] > 0]
    assert best['published'].tolist() == [0.87]
    assert best['labels'].tolist() == ['10%']
    assert 'published, the best model' in [
        text.get_text() for one in result.draw().legends for text in one.get_texts()]


def test_no_published_number_beside_other_classes():
    data = make_labelled('mirabest', 40, seed=1)
    result = reproduce('figure 3', [data], fractions=(1.0,), **QUICK)
    assert np.isnan(result.table['published']).all()
    assert 'other data' in result.summary()
    assert 'numbers cannot be compared' in result.summary()


def test_classes_and_label_schemes(radio, tmp_path):
    result = reproduce('figure 4', [radio], **QUICK)
    assert result.table['labels'].tolist() == list(radio.classes)
    assert len(result.draw().axes) == 1
    result = reproduce('figure 5', [radio], fractions=(1.0,), **QUICK)
    assert list(result.runs) == ['peaks', 'components']
    assert result.runs['peaks'].meta['classes'] == ['1P', '2P', '3P']
    assert sorted(result.table['published'][result.table['published'] > 0]) == [0.63, 0.74]
    result = reproduce('figure B2', [radio], fractions=(1.0,), **QUICK)
    assert result.table['name'].tolist() == ['toy_vit precision', 'toy_vit recall']


def test_table_4(radio, tmp_path):
    result = reproduce('table 4', [radio], strategies=['whitening', 'crop'], **QUICK)
    assert result.table['name'].tolist() == ['toy_vit: linear', 'toy_vit: whitening',
                                             'toy_vit: crop']
    assert 'paper: AM-RADIO +0.115, ResNet-50 +0.132' in result.summary()
    result.draw(path=tmp_path / 'a.png')
    assert repr(result) == '<Reproduction of table 4: 3 runs>'


def test_recipe_of_the_paper(radio):
    def make(*words, **changes):
        return _classifier(*words, recipe='paper', n_epochs=None, device='cpu', cache=None,
                           **changes)

    probe = make('resnet50', 'radio').get_params()
    assert (probe['solver'], probe['n_epochs'], probe['validation']) == ('sgd', 200, 0)
    assert (probe['class_weight'], probe['batch_size']) == ('balanced', 64)
    optical = make('resnet50', 'optical').get_params()
    assert (optical['n_epochs'], optical['class_weight']) == (100, None)
    rows = _models('table 4', 'resnet50', make, 'radio', radio, ['large', 'upsample 480', 'crop'])
    assert list(rows) == [f'resnet50: {name}' for name in ('linear', 'large', 'crop',
                                                           'upsample 480')]
    assert rows['resnet50: large'].backbone == 'resnet101'
    assert rows['resnet50: upsample 480'].image_size == 480
    assert rows['resnet50: crop'].crop == 'box'
    dino = _models('table 4', 'dinov2_vitb14', make, 'radio', radio, ['upsample 320', 'huge'])
    assert [model.image_size for model in dino.values()] == ['auto', 322]


def test_the_test_set_of_the_data_is_kept(radio):
    names = [f'{"test" if k < 10 else "train"}/{k}' for k in range(len(radio))]
    train, test = _split(replace(radio, names=names), None)
    assert len(test) == 10
    assert all(name.startswith('test/') for name in test.names)
    train, test = _split(radio, None)
    assert (len(train), len(test)) == (48, 12)


def test_what_can_be_compared(radio, optical):
    assert describe_panel(optical)[0] == 'optical'
    assert describe_panel(radio)[0] == 'radio'
    assert 'stand-in' in describe_panel(radio)[2]
    other = LabelledImages(np.zeros((4, 8, 8)), ['FRI', 'FRI', 'FRII', 'FRII'])
    assert 'numbers cannot be compared' in describe_panel(other)[2]
    real = LabelledImages(radio.images, radio.labels, source='rgz.json')
    assert 'numbers can be compared if' in describe_panel(real)[2]


@pytest.mark.parametrize(('words', 'options', 'message'), [
    (('figure 7', []), {}, "unknown experiment 'figure 7'"),
    (('figure B1', 'radio'), {}, 'figure B1 needs optical images'),
    (('figure 3', 'radio radio'), {}, 'two data sets are radio'),
    (('figure 3', 'radio'), {'recipe': 'papers'}, "did you mean 'paper'"),
    (('table 4', 'radio'), {'strategies': ['croop']}, "did you mean 'crop'"),
])
def test_bad_input(radio, words, options, message):
    data = [radio] * len(words[1].split()) if words[1] else []
    with pytest.raises(ValueError, match=message):
        reproduce(words[0], data, **options)


def test_every_experiment_is_told():
    assert set(EXPERIMENTS) == {'figure 3', 'figure 4', 'figure 5', 'figure B1', 'figure B2',
                                'table 4'}
