"""The part of ``astrofound train detector`` that takes images with boxes."""

import click

__all__ = ['train_on_boxes']


def train_on_boxes(output, data, options):
    """
    Train a detector on a backbone from a COCO file.

    Parameters
    ----------
    output : `~pathlib.Path`
        Folder of the run.
    data : str
        The COCO file.
    options : dict
        What the command was given.
    """
    from astrofound.datasets import read_coco, split_sky
    from astrofound.explore import plot_box_training
    from astrofound.training import (
        BOX_RECIPES,
        Ranks,
        describe_domain,
        match_classes,
        open_tiles,
        train_boxes,
    )
    from astrofound.utils import check_choice

    base = BOX_RECIPES[check_choice('recipe', options['recipe'] or 'default', BOX_RECIPES)]
    images = read_coco(data)
    click.echo(f'{images!r}')
    recipe = base.change(
        head=options['head'], tuning=options['tuning'], n_epochs=options['epochs'],
        batch_size=options['batch'], learning_rate=options['rate'], crop=options['crop'],
        optimizer=options['optimizer'], deterministic=options['deterministic'] or None)
    network_input = _choose_input(images, options)
    click.echo(f'the network sees {_describe(network_input)}')
    if options['held_out'] is None:
        images, others = split_sky(images, seed=options['seed'])
        for note in images.notes:
            click.echo(f'note: {note}')
    else:
        others = match_classes(read_coco(options['held_out']), images.classes)
    tiles, held_out = (open_tiles(part, network_input,
                                  ignore_unlabelled=options['ignore_unlabelled'])
                       for part in (images, others))
    model = train_boxes(
        output, tiles, held_out, classes=images.classes, network_input=network_input,
        backbone=options['backbone'], backbone_weights=options['weights'], recipe=recipe,
        start=options['start'], domain=describe_domain(images), seed=options['seed'],
        device=options['device'], progress=None)
    if not Ranks().is_main:
        return
    plot_box_training(output / 'history.jsonl', path=output / 'history.png')
    for name, key in (('as found', 'as_found'), ('refined', 'refined')):
        figures = model.training[key]
        click.echo(f"{name}: mAP@50 {figures['map_50']:.3f}, mAP@70 {figures['map_70']:.3f} on "
                   f'{len(held_out)} held-out images')
    click.echo(f'  wrote {output}/weights.safetensors, params.json, history.png')


def _choose_input(images, options):
    """Scale and channels: those of the detector to go on from, or what fits the backbone."""
    from astrofound.backbones import load_backbone
    from astrofound.training import choose_input, load_box_model

    if options['start'] is not None:
        return load_box_model(options['start'], backbone_weights=options['weights']).network_input
    scaling = options['scaling'] or ('contrast' if options['recipe'] == 'paper' else None)
    return choose_input(images, load_backbone(options['backbone'], weights=options['weights']),
                        scaling=scaling, beam_pix=options['beam_pix'], zoom=options['zoom'])


def _describe(network_input):
    if network_input.beam_pix is not None:
        scale = f'{network_input.beam_pix:g} pixels a beam'
    else:
        scale = f'{network_input.zoom:g} pixels for each of the image'
    return f'{network_input.scaling}, {scale}'
