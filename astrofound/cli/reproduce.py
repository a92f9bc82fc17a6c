"""``astrofound reproduce``: the experiments of a paper, with its figures beside one's own."""

from pathlib import Path

import click

from .classifying import open_labelled

__all__ = ['command']

_NEEDS = "say which one: --figure 3, 4, 5, B1 or B2, or --table 4"


@click.command('reproduce', epilog='Example: astrofound reproduce lastufka2025 --figure 3 --data '
                                   'simulated:galaxy_mnist --data simulated:rgz')
@click.argument('paper', metavar='PAPER')
@click.option('--figure', metavar='N', help='3, 4, 5, B1 or B2.')
@click.option('--table', metavar='N', help='4.')
@click.option('--data', multiple=True, required=True, metavar='DATA',
              help='galaxy_mnist:FOLDER, rgz:FILE, simulated:NAME[:N], or as for `astrofound train '
                   'classifier`; once for optical and once for radio images.')
@click.option('--test', 'tests', multiple=True, metavar='DATA',
              help='Test set, in place of a fifth of the data of its domain.')
@click.option('--backbones', default='compact', show_default=True, metavar='NAME,...')
@click.option('--scratch', default='', metavar='NAME,...',
              help='Architectures to train from scratch beside; this takes hours.')
@click.option('--strategies', default='', metavar='NAME,...',
              help='Rows of --table 4, as in it: linear, whitening, mlp, large, huge, crop, '
                   "'upsample 480', lora, finetune, 'crop + finetune'. [default: all]")
@click.option('--recipe', default='paper', show_default=True,
              help='paper: its gradient descent; converged: the regression solved.')
@click.option('--fractions', default='0.1,0.3,0.5,1', show_default=True,
              help='Parts of the labels.')
@click.option('--repeats', default=3, show_default=True, help='Runs of each point.')
@click.option('--epochs', type=int, help='Of all trainings. [default: those of the recipe]')
@click.option('--seed', default=0, show_default=True)
@click.option('-o', '--output', default='reproduced', show_default=True, metavar='FOLDER',
              help='Runs, figure and cached features; finished runs are not run again.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def command(paper, figure, table, data, tests, backbones, scratch, recipe, fractions, strategies,
            **options):
    """
    Do an experiment of PAPER (lastufka2025), and print its figures beside your own.

    Where the paper only draws a point, no number is made up for it. What can be compared with
    the paper is said below the table.
    """
    from astrofound.guidance import describe_panel, reproduce
    from astrofound.utils import InputError, WriteError, check_choice

    check_choice('paper', paper, ['lastufka2025'])
    if (figure is None) == (table is None):
        raise InputError(_NEEDS)
    experiment = f'figure {figure.upper().replace(".", "")}' if figure else f'table {table}'
    folder = Path(output := options['output'])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f'cannot make the folder {output}: {error.strerror}') from None
    opened = [open_labelled(one) for one in data]
    judged = [open_labelled(one) for one in tests]
    result = reproduce(
        experiment, opened, backbones=_names(backbones), recipe=recipe,
        test={describe_panel(one)[0]: one for one in judged} or None,
        fractions=_numbers(fractions), repeats=options['repeats'], n_epochs=options['epochs'],
        scratch=_names(scratch), seed=options['seed'], folder=folder, cache=folder / 'features',
        strategies=[one.strip() for one in strategies.split(',') if one.strip()] or None,
        device=options['device'], progress=None)
    click.echo(result.summary())
    stem = experiment.replace(' ', '_')
    result.draw(path=folder / f'{stem}.png')
    result.table.write(folder / f'{stem}.ecsv', overwrite=True)
    click.echo(f'  wrote {folder}/{stem}.png, {stem}.ecsv and the runs beside them')


def _names(text):
    """Names with dashes or underscores, separated by commas."""
    return [one.strip().replace('-', '_') for one in text.split(',') if one.strip()]


def _numbers(text):
    from astrofound.utils import InputError

    try:
        return tuple(float(one) for one in text.split(','))
    except ValueError:
        raise InputError(f"--fractions must be numbers as '0.1,0.3,1', got {text!r}") from None
