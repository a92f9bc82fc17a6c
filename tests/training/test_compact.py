import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from astrofound.cli import main
from astrofound.networks import load_weights
from astrofound.training import RECIPES, make_training_field, train_compact
from astrofound.training.compact import CompactRecipe
from astrofound.training.fields import FieldStream
from astrofound.utils import InputError

TINY = replace(RECIPES['smoke'], n_rounds=2, n_fields=1, reuse=2, batch_size=1, crop=64,
               shape=(128, 128), n_validation=1, n_calibration=1, validate_every=1,
               mixed_precision=False)


def weights_of(run):
    return load_weights(run).network.state_dict()


def test_a_stopped_run_ends_like_an_unbroken_one(tmp_path, monkeypatch):
    train_compact(tmp_path / 'whole', recipe=TINY, seed=4, device='cpu', n_workers=0)

    class Stopped(Exception):
        pass

    import astrofound.training.compact as module

    save = module._Trainer.save

    def save_and_stop(self, path):
        save(self, path)
        if self.round == 1:
            raise Stopped

    monkeypatch.setattr(module._Trainer, 'save', save_and_stop)
    with pytest.raises(Stopped):
        train_compact(tmp_path / 'broken', recipe=TINY, seed=4, device='cpu', n_workers=0)
    monkeypatch.undo()
    train_compact(tmp_path / 'broken', recipe=TINY, seed=4, device='cpu', n_workers=0)
    whole, broken = weights_of(tmp_path / 'whole'), weights_of(tmp_path / 'broken')
    for name, tensor in whole.items():
        torch.testing.assert_close(broken[name], tensor, rtol=1e-5, atol=1e-6)


def test_a_folder_belongs_to_one_recipe(tmp_path):
    train_compact(tmp_path, recipe=replace(TINY, n_rounds=1), seed=4, device='cpu', n_workers=0)
    with pytest.raises(InputError, match='another recipe or seed'):
        train_compact(tmp_path, recipe=replace(TINY, n_rounds=1), seed=5, device='cpu', n_workers=0)


def test_command_writes_weights_card_and_curve(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(RECIPES, 'smoke', TINY)
    assert main(['train', 'detector', '--recipe', 'smoke', '-o', str(tmp_path / 'run'),
                 '--device', 'cpu', '--workers', '0']) == 0
    assert 'wrote' in capsys.readouterr().out
    names = {path.name for path in (tmp_path / 'run').iterdir()}
    assert {'weights.safetensors', 'weights.md', 'history.jsonl', 'history.png'} <= names
    card = (tmp_path / 'run' / 'weights.md').read_text()
    assert 'BSD-3-Clause' in card
    assert '`seed' not in card
    history = [json.loads(line) for line in
               (tmp_path / 'run' / 'history.jsonl').read_text().splitlines()]
    assert [entry['round'] for entry in history] == [1, 2]
    assert all(np.isfinite(entry['centre']) for entry in history)


def test_fields_repeat_and_validation_differs():
    first, second = (make_training_field(3, shape=(128, 128)) for _ in range(2))
    np.testing.assert_array_equal(first.significance, second.significance)
    other = make_training_field(3, shape=(128, 128), validation=True)
    assert first.significance.shape != other.significance.shape or not np.array_equal(
        first.significance, other.significance)


def test_training_fields_are_significance_in_beam_units():
    fields = [make_training_field(seed, shape=(192, 192)) for seed in range(12)]
    scatter = [1.4826 * np.nanmedian(np.abs(f.significance - np.nanmedian(f.significance)))
               for f in fields]
    assert 0.8 < np.median(scatter) < 1.2
    assert {field.kind for field in fields} == {'radio', 'optical'}
    assert np.mean([len(field.labels) > 0 for field in fields]) > 0.8


def test_stream_resumes_with_the_fields_of_an_unbroken_one():
    def first_rounds(start, n, n_workers=0):
        stream = FieldStream(1, n_fields=2, reuse=2, start=start, n_workers=n_workers,
                             options={'shape': (96, 96)})
        try:
            return [[float(np.nansum(field.significance)) for field in fields]
                    for _, fields in zip(range(n), stream, strict=False)]
        finally:
            stream.close()

    unbroken = first_rounds(0, 3)
    assert first_rounds(1, 2) == unbroken[1:]
    assert first_rounds(0, 1, n_workers=1) == unbroken[:1]


@pytest.mark.parametrize('change', [{'n_rounds': 0}, {'crop': 100}, {'batch_size': 1.5}])
def test_recipe_is_checked_when_built(change):
    with pytest.raises(InputError, match=next(iter(change))):
        CompactRecipe(**change)


def test_learning_rate_rises_and_falls_to_zero():
    recipe = CompactRecipe(n_rounds=20, n_steps=10, warmup_rounds=2)
    rates = [recipe.learning_rate_at(step) for step in range(201)]
    assert np.argmax(rates) in (19, 20)
    assert rates[0] < 0.1 * recipe.learning_rate
    assert rates[200] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize('name', RECIPES)
def test_every_recipe_can_begin(name, tmp_path):
    recipe = replace(RECIPES[name], n_rounds=1, n_fields=1, n_steps=1, batch_size=1, crop=64,
                     n_validation=1, n_calibration=1, n_pair_fields=1, shape=(96, 96))
    weights = train_compact(tmp_path, recipe=recipe, device='cpu', n_workers=0)
    assert weights.network.widths == recipe.widths
    assert load_weights(tmp_path).link == weights.link
