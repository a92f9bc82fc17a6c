"""``astrofound models``: which backbones there are, what is known of them, fetching."""

import click

__all__ = ['command']


_NOT_PINNED = (' (no commit of it is known here, so it may change; `astrofound models fetch` notes '
               'the commit and hashes of what it gets, and later loads check them)')


@click.group('models', short_help='List, describe and fetch backbones.')
def command():
    """List, describe and fetch backbones."""


@command.command('list')
@click.option('--family', metavar='NAME', help='Self-supervised, weakly supervised, distilled or '
                                               'supervised.')
def list_models(family):
    """List the backbones with size, patch, family and licence."""
    from astrofound.backbones import find_spec, list_backbones

    rows = [('name', 'architecture', 'million', 'patch', 'width', 'family', 'licence')]
    for name in list_backbones(family=family and family.lower()):
        spec = find_spec(name)
        rows.append((name, spec.architecture, f'{spec.n_parameters / 1e6:.1f}',
                     str(spec.patch_size), str(spec.n_features), spec.family,
                     spec.license + (' (restricted)' if spec.restricted else '')
                     + (' (cannot be loaded)' if spec.obstacle else '')))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo('  '.join(f'{word:{width}}' for word, width in zip(row, widths, strict=True)
                             ).rstrip())


@command.command('info')
@click.argument('name')
def info(name):
    """Say what is known of one backbone: NAME, timm:NAME or a folder."""
    from astrofound.backbones import resolve_spec

    spec = resolve_spec(name)
    size = 'any' if spec.native_size is None else f'{spec.native_size} pixels'
    if spec.fixed_size:
        size += ' only'
    elif spec.max_size:
        size += f', at most {spec.max_size}'
    rows = [
        ('name', spec.name), ('family', spec.family),
        ('architecture', f'{spec.architecture}, {spec.n_parameters / 1e6:.1f} million parameters'),
        ('patch', f'{spec.patch_size} pixels, {spec.n_features} features'),
        ('prefix', f'{spec.n_prefix} tokens'), ('native size', size),
        ('pooling', spec.pooling),
        ('images', 'in units of the noise' if spec.scale == 'significance' else
         f'0..1, mean {_numbers(spec.mean)}, std {_numbers(spec.std)}'),
        ('trained on', spec.pretraining), ('licence', spec.license), ('paper', spec.reference),
        ('source', f'{spec.library}: {spec.repo or spec.model}, revision {spec.revision}'
                   + ('' if spec.is_pinned else _NOT_PINNED)),
    ]
    rows += [(word, text) for word, text in (('note', spec.note), ('but', spec.obstacle)) if text]
    width = max(len(word) for word, _ in rows)
    for word, text in rows:
        click.echo(f'{word:{width}}  {text}')


def _numbers(values):
    return ' '.join(f'{value:g}' for value in values) or "the checkpoint's own"


@command.command('fetch')
@click.argument('names', nargs=-1, required=True, metavar='NAME...')
@click.option('--to', 'folder', required=True, metavar='FOLDER',
              help='Folder to copy to the machine without a network.')
def fetch(names, folder):
    """Fetch backbones into a folder, with hashes."""
    from astrofound.backbones import fetch_backbone

    for name in names:
        click.echo(f'  wrote {fetch_backbone(name, folder)}')
    click.echo(f'Copy {folder} to the other machine and set ASTROFOUND_MODELS to it there.')
