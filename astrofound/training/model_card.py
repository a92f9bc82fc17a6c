"""The page that travels with trained weights."""

from astrofound.utils import atomic_path

__all__ = ['write_model_card']

_CARD = """\
# Compact detector

A fully convolutional source detector of {n_parameters:,} parameters that works in beam units:
images are turned into significance and resampled so that the beam spans {beam_pix:g} pixels. Two
perceptrons of {n_pairs:,} more join the parts of radio galaxies.

- **Input**: two stretches (linear and asinh) of `(data - background) / rms`.
- **Output**: centre, box, class (point, extended, multi) and the probability of being real.
- **Training data**: skies simulated by `astrofound.datasets` alone, {n_fields:,} fields of
  {shape[0]} x {shape[1]} pixels, {radio:.0%} radio and {optical:.0%} optical, and
  {n_pair_fields:,} radio fields for the pairs. No real image and no catalogue was used.
- **Command**: `astrofound train detector --recipe compact --seed {seed}`
- **Licence**: BSD-3-Clause, like the code.

## Figures on held-out simulated fields

{validation}

F1 is the best over all cuts, for sources of S/N >= 5. Of the pairs of parts of one radio source
{pairs[recall]:.0%} are linked, and {pairs[precision]:.0%} of all links are right (average
precision {pairs[average_precision]:.2f}). These skies come from the simulator the network was
trained on; figures on real images and on an independent simulation are in the documentation and
matter more.

## Recipe

{recipe}
"""


def write_model_card(path, weights):
    """
    Write the model card of trained weights as Markdown.

    Parameters
    ----------
    path : path-like
        File to write.
    weights : `~astrofound.networks.CompactWeights`
        Trained weights with their ``training`` record.
    """
    recipe, validation = weights.training['recipe'], weights.training['validation']
    names = list(next(iter(validation.values())))
    table = ['| kind | ' + ' | '.join(names) + ' |', '|---' * (len(names) + 1) + '|']
    for kind, figures in validation.items():
        table.append(f'| {kind} | ' + ' | '.join(f'{figures[name]:.3f}' for name in names) + ' |')
    text = _CARD.format(
        n_parameters=sum(p.numel() for p in weights.network.parameters()),
        n_pairs=sum(p.numel() for p in weights.pairs.parameters()),
        beam_pix=weights.beam_pix,
        n_fields=recipe['n_rounds'] * recipe['n_fields'], n_pair_fields=recipe['n_pair_fields'],
        shape=recipe['shape'], radio=recipe['radio_fraction'],
        optical=1 - recipe['radio_fraction'], seed=weights.training['seed'],
        validation='\n'.join(table), pairs=weights.training['pairs'],
        recipe='\n'.join(f'- `{name}`: {value}' for name, value in recipe.items()))
    with atomic_path(path) as temporary:
        temporary.write_text(text)
