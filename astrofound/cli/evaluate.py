"""``astrofound evaluate``: how good a detector is on images with boxes."""

import click

__all__ = ['command']


@click.command('evaluate', epilog='Example: astrofound evaluate --detector my-run/ '
                                  '--data tiles/test.json')
@click.option('--detector', required=True, metavar='FOLDER',
              help='Run folder of a detector on a backbone.')
@click.option('--data', required=True, metavar='COCO', help='Images with boxes, a COCO file.')
@click.option('--beside', type=click.Choice(['rgz', 'mgcls']),
              help="Print the paper's figures for this data set beside.")
@click.option('--reference', metavar='FOLDER',
              help='Run folder of another detector, such as one from scratch; the figure shows the '
                   'difference to it.')
@click.option('-o', '--output', metavar='FOLDER',
              help='Write box_scores.ecsv, box_rates.ecsv and box_scores.png here.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def command(detector, data, beside, reference, output, device):
    """
    Judge a detector: mean average precision by overlap, completeness and reliability by S/N.

    The data must not have been trained on.
    """
    from astrofound.datasets import read_coco
    from astrofound.evaluation import box_rates
    from astrofound.training import true_boxes

    images = read_coco(data)
    click.echo(f'{images!r}')
    scores, refined, tiles = _judge(detector, images, device)
    if reference is not None:
        scores['reference'] = _judge(reference, images, device)[0]['refined']
    rates = box_rates(refined, [true_boxes(tile) for tile in tiles])
    _print(scores, rates, beside)
    if output is not None:
        _write(output, scores, rates, beside)


def _judge(detector, images, device):
    """Scores as found and refined, what was found refined, and the tiles it was found on."""
    from astrofound.training import (
        find_boxes,
        judge_boxes,
        load_box_model,
        match_classes,
        open_tiles,
        refine_boxes,
    )
    from astrofound.utils import resolve_device

    model = load_box_model(detector, device=resolve_device(device))
    tiles = open_tiles(match_classes(images, model.classes), model.network_input)
    found = find_boxes(model.network, tiles, model.network_input.scaling)
    refined = refine_boxes(found, tiles, model.refiner)
    return {'as found': judge_boxes(found, tiles, model.classes),
            'refined': judge_boxes(refined, tiles, model.classes)}, refined, tiles


def _print(scores, rates, beside):
    from astrofound.evaluation import published_boxes

    first = scores['as found']
    click.echo('IoU        ' + ' '.join(f'{iou:6.1f}' for iou in first.iou))
    for name, one in scores.items():
        click.echo(f'{name:10s} ' + ' '.join(f'{value:6.3f}' for value in one.mean))
    for name, value in scores['refined'].to_dict()['ap_50'].items():
        click.echo(f'AP@50 of {name}: ' + ('no box' if value is None else f'{value:.3f}'))
    if beside is not None:
        click.echo(f'Lastufka et al. 2025 on {beside}, mAP@50 frozen and tuned, then by IoU:')
        for row in published_boxes(beside):
            numbers = [row['frozen'], row['tuned'],
                       *(row[f'map_{10 * step}'] for step in range(1, 10))]
            click.echo(f'{row["model"]:23s}' + ' '.join(
                '     -' if value != value else f'{value:6.3f}' for value in numbers))
    click.echo('S/N          true  complete   found  reliable')
    for row in rates:
        click.echo(f'{row["snr_low"]:5.0f}-{row["snr_high"]:<5.0f} {row["n_true"]:6d} '
                   f'{row["completeness"]:9.3f} {row["n_found"]:7d} {row["reliability"]:9.3f}')


def _write(output, scores, rates, beside):
    from pathlib import Path

    from astropy.table import Table

    from astrofound.evaluation import published_boxes
    from astrofound.explore import plot_box_scores
    from astrofound.utils import atomic_path

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    table = Table({'iou': scores['as found'].iou, **{
        name.replace(' ', '_'): one.mean for name, one in scores.items()}})
    for name, content in (('box_scores.ecsv', table), ('box_rates.ecsv', rates)):
        with atomic_path(folder / name) as temporary:
            content.write(temporary, format='ascii.ecsv', overwrite=True)
    curves = dict(scores)
    if beside is not None:
        for row in published_boxes(beside):
            if row['map_50'] == row['map_50']:
                curves[f'paper, {row["model"]}'] = [row[f'map_{10 * step}']
                                                    for step in range(1, 10)]
    plot_box_scores(curves, reference='reference' if 'reference' in scores else None,
                    path=folder / 'box_scores.png')
    click.echo(f'  wrote {folder}/box_scores.ecsv, box_rates.ecsv, box_scores.png')
