"""``astrofound train``: make weights."""

import click

__all__ = ['command']


@click.group('train')
def command():
    """Train a model of your own."""


@command.command('detector')
@click.option('--recipe', type=click.Choice(['compact', 'smoke']), default='compact',
              show_default=True, help='compact makes the bundled weights; smoke takes a minute.')
@click.option('--seed', type=int, default=0, show_default=True)
@click.option('-o', '--output', default='runs/compact', show_default=True, metavar='FOLDER',
              help='Folder of the run; an unfinished one is gone on with.')
@click.option('--rounds', type=int, metavar='N', help='Train for this many rounds instead.')
@click.option('--workers', type=int, default=1, show_default=True,
              help='Processes that simulate skies.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def detector(recipe, seed, output, rounds, workers, device):
    """
    Train the compact detector on simulated skies.

    Writes weights.safetensors, its model card weights.md, history.jsonl and the validation
    curve history.png into the folder. Use the weights with
    `astrofound detect --weights FOLDER`.
    """
    from dataclasses import replace
    from pathlib import Path

    from astrofound.explore import plot_training
    from astrofound.training import RECIPES, train_compact

    chosen = RECIPES[recipe]
    if rounds is not None:
        chosen = replace(chosen, n_rounds=rounds)
    weights = train_compact(output, recipe=chosen, seed=seed, device=device, n_workers=workers,
                            progress=None)
    plot_training(Path(output) / 'history.jsonl', path=Path(output) / 'history.png')
    for kind, figures in weights.training['validation'].items():
        click.echo(f"{kind}: F1 {figures['f1']:.3f}, completeness at 95 % reliability "
                   f"{figures['completeness_95']:.3f} on held-out simulated skies")
    click.echo(f'  wrote {output}/weights.safetensors, weights.md, history.png')
