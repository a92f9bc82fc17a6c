"""``astrofound train``: make weights."""

from pathlib import Path

import click

from .classifying import open_labelled
from .options import parse_number

__all__ = ['command']


@click.group('train')
def command():
    """Train a model of your own."""


@command.command('detector', epilog='Example: astrofound train detector --backbone dino_vitb16 '
                                    '--data tiles/train.json -o my-run')
@click.option('--data', metavar='COCO',
              help='Images with boxes, as `astrofound prepare` writes them: trains a detector on '
                   '--backbone. Without it the compact detector learns from simulated skies.')
@click.option('--held-out', metavar='COCO',
              help='Images with boxes to calibrate by; by default a fifth of those of --data.')
@click.option('--backbone', default='compact', show_default=True, metavar='NAME',
              help='A name of `astrofound models list`, timm:NAME, or a folder.')
@click.option('--weights', metavar='FILE', help='Folder or .safetensors file of that backbone.')
@click.option('--head', metavar='NAME',
              help='rcnn (Faster R-CNN) or query (decoder of RT-DETRv2).  [default: rcnn]')
@click.option('--start', metavar='FOLDER',
              help='Go on from the detector in this run folder, with its network and scale.')
@click.option('--tuning', metavar='HOW', help='frozen, lora, full or scratch.  [default: frozen]')
@click.option('--recipe', metavar='NAME',
              help="With --data default, paper (the paper's code) or smoke, else compact, large "
                   '(for a GPU) or smoke (a minute).')
@click.option('--epochs', type=int, metavar='N', help='Passes over the images.')
@click.option('--batch', type=int, metavar='N', help='Images a step.')
@click.option('--rate', type=float, metavar='RATE', help='Learning rate.')
@click.option('--optimizer', metavar='NAME', help='adamw or sgd.')
@click.option('--crop', type=int, metavar='N', help='Learn from random parts of this side.')
@click.option('--scaling', metavar='NAME',
              help='channels, asinh, linear, log, significance or contrast.')
@click.option('--beam-pix', type=float, metavar='N',
              help='Scale as network pixels a beam; by default sources span a patch.')
@click.option('--zoom', type=float, metavar='N', help='Scale as network pixels an image pixel.')
@click.option('--ignore-unlabelled', is_flag=True,
              help='Extended emission without a box neither rewards nor punishes.')
@click.option('--deterministic', is_flag=True,
              help='Ask for algorithms that repeat to the last bit, also on a GPU.')
@click.option('--seed', type=int, default=0, show_default=True)
@click.option('-o', '--output', default='runs/detector', show_default=True, metavar='FOLDER',
              help='Folder of the run; an unfinished one is gone on with.')
@click.option('--rounds', type=int, metavar='N', help='Rounds of the compact detector instead.')
@click.option('--workers', type=int, default=1, show_default=True,
              help='Processes that simulate skies.')
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
def detector(data, output, rounds, workers, **options):
    """
    Train a detector on your boxes, or the compact detector on simulated skies.

    Use the result with `astrofound detect --detector FOLDER`. The folder also holds
    history.jsonl and its curves history.png.
    """
    if data is not None:
        from .train_boxes import train_on_boxes

        train_on_boxes(Path(output), data, options)
    else:
        _train_compact(output, rounds, workers, options)


def _train_compact(output, rounds, workers, options):
    from dataclasses import replace

    from astrofound.explore import plot_training
    from astrofound.training import RECIPES, train_compact
    from astrofound.utils import InputError, check_choice

    boxed = ('held_out', 'head', 'start', 'tuning', 'epochs', 'batch', 'rate', 'optimizer',
             'crop', 'scaling', 'beam_pix', 'zoom')
    if wrong := [name for name in boxed if options[name] is not None]:
        raise InputError(f"--{wrong[0].replace('_', '-')} goes with --data")
    chosen = RECIPES[check_choice('recipe', options['recipe'] or 'compact', RECIPES)]
    if rounds is not None:
        chosen = replace(chosen, n_rounds=rounds)
    weights = train_compact(output, recipe=chosen, seed=options['seed'], device=options['device'],
                            n_workers=workers, progress=None)
    plot_training(Path(output) / 'history.jsonl', path=Path(output) / 'history.png')
    for kind, figures in weights.training['validation'].items():
        click.echo(f"{kind}: F1 {figures['f1']:.3f}, completeness at 95 % reliability "
                   f"{figures['completeness_95']:.3f} on held-out simulated skies")
    click.echo(f'  wrote {output}/weights.safetensors, weights.md, history.png')


@command.command('classifier', epilog='Example: astrofound train classifier cutouts/ '
                                      '--crop segmentation --strategy finetune -o runs/classes')
@click.argument('data', metavar='DATA')
@click.option('-o', '--output', default='runs/classifier', show_default=True, metavar='FOLDER',
              help='Folder of the classifier; an unfinished training of the network is gone on '
                   'with.')
@click.option('--mosaic', metavar='IMAGE', help='DATA is a catalogue: cut its sources out of this '
                                                'image.')
@click.option('--labels', metavar='COLUMN', help='Column of the labels, where DATA is a table; '
                                                 'guessed otherwise.')
@click.option('--test', 'test_data', metavar='DATA', help='Other labelled images, to judge by.')
@click.option('--unlabelled', multiple=True, metavar='IMAGE',
              help='Images without labels, for --strategy semi; may be repeated.')
@click.option('--backbone', default='compact', show_default=True, metavar='NAME',
              help='A name of `astrofound models list`, timm:NAME, or a folder.')
@click.option('--weights', metavar='FILE', help='Folder or .safetensors file of that backbone.')
@click.option('--strategy', default='frozen', show_default=True,
              help='frozen, finetune, lora, scratch or semi.')
@click.option('--head', default='linear', show_default=True,
              help='linear, mlp, whiten or attention.')
@click.option('--solver', default='lbfgs', show_default=True,
              help='Of the head of a frozen backbone: lbfgs, sgd (the paper\'s) or adamw.')
@click.option('--crop', metavar='HOW', help='segmentation, or the share of each side to keep.')
@click.option('--size', default='auto', show_default=True, metavar='N',
              help='Side in pixels that images are brought to.')
@click.option('--scaling', default='auto', show_default=True,
              help='asinh, linear, log, channels, percentile, zscale, minmax or none.')
@click.option('--clip', type=float, metavar='SIGMA', help='Set fainter pixels to 0.')
@click.option('--augment', default='sky', show_default=True,
              help='sky, sky-parity (where handedness is a class), photometric or none.')
@click.option('--orientations', default='auto', show_default=True, metavar='N',
              help='Views to average over: 1, 4 (turned) or 8 (turned and mirrored).')
@click.option('--shapes', is_flag=True, help='Measure forms too: concentration, asymmetry, arms '
                                             'and more, beside a frozen backbone.')
@click.option('--mirror', multiple=True, metavar='CLASS,CLASS',
              help='Classes that are mirror images of each other; may be repeated.')
@click.option('--epochs', default='auto', show_default=True, metavar='N',
              help='Passes over the images.')
@click.option('--rate', default='auto', show_default=True, metavar='RATE',
              help='Learning rate of the head.')
@click.option('--batch', type=int, default=64, show_default=True, help='Images a step.')
@click.option('--blocks', default='all', show_default=True, metavar='N',
              help='Upper blocks of the backbone that finetune lets learn.')
@click.option('--rank', type=int, default=8, show_default=True, help='Of lora.')
@click.option('--cutout', default='auto', show_default=True, metavar='SIDE',
              help='Side of a cutout with --mosaic, as 64 (pixels) or 30arcsec.')
@click.option('--cache', metavar='FOLDER', help='Keep features of a frozen backbone here.')
@click.option('--seed', type=int, default=0, show_default=True)
@click.option('--device', default='auto', show_default=True, help='cpu, cuda, cuda:1, mps ...')
@click.option('--precision', default='auto', show_default=True, help='auto, float32 or bfloat16.')
def classifier(data, output, mosaic, labels, test_data, unlabelled, **options):
    """
    Fit a classifier to labelled images.

    DATA is a folder with one folder of images a class, a table of files and labels, or, with
    --mosaic, a catalogue with a column of labels. Use the result with
    `astrofound classify IMAGE... --model FOLDER`.
    """
    from astrofound.estimators import MorphologyClassifier
    from astrofound.training import Ranks
    from astrofound.utils import check_place

    place = Path(output)
    place.mkdir(parents=True, exist_ok=True)
    check_place(place / 'params.json')
    images = open_labelled(data, mosaic=mosaic, labels=labels, cutout=options['cutout'])
    model = MorphologyClassifier(
        options['backbone'], weights=options['weights'], strategy=options['strategy'],
        head=options['head'], solver=options['solver'], crop=parse_number(options['crop']),
        image_size=parse_number(options['size']), scaling=options['scaling'], clip=options['clip'],
        augment=options['augment'], orientations=parse_number(options['orientations']),
        shapes=options['shapes'],
        mirror=[pair.split(',') for pair in options['mirror']] or None,
        n_epochs=parse_number(options['epochs']), learning_rate=parse_number(options['rate']),
        batch_size=options['batch'],
        n_blocks=parse_number(options['blocks']), lora_rank=options['rank'], cache=options['cache'],
        random_state=options['seed'], device=options['device'], precision=options['precision'],
        run=None if options['strategy'] == 'frozen' else place)
    boxes = None if images.boxes is None else [own[0] for own in images.boxes]
    model.fit(images.images, images.labels, boxes=boxes, unlabelled=list(unlabelled) or None,
              progress=None)
    if not Ranks().is_main:
        return
    model.save(place)
    speed = model.history_[-1].get('images_per_second')
    click.echo(f'{model.n_trainable_:,} of {model.n_parameters_:,} parameters learnt'
               + (f', at {speed:.0f} images/s' if speed else ''))
    if test_data is not None:
        _judge(model, open_labelled(test_data, mosaic=mosaic, labels=labels,
                                    cutout=options['cutout']), place)
    click.echo(f'  wrote {place}/params.json, weights.safetensors')


def _judge(model, data, place):
    from astrofound.evaluation import score_classes

    boxes = None if data.boxes is None else [own[0] for own in data.boxes]
    probability = model.predict_proba(data.images, boxes=boxes, progress=None)
    report = score_classes(data.labels, probabilities=probability,
                           classes=tuple(model.classes_.tolist()))
    click.echo(report.summary())
    report.by_class.write(place / 'test_scores.ecsv', overwrite=True)
