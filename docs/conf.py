"""Settings of the documentation."""

import os
import urllib.request
from importlib.metadata import version as installed_version
from pathlib import Path

os.environ['MPLBACKEND'] = 'Agg'
os.environ.setdefault('HF_HUB_OFFLINE', '1')

project = 'astrofound'
author = 'The astrofound developers'
copyright = '2026, the astrofound developers'
release = installed_version('astrofound')
version = release

extensions = [
    'sphinx.ext.intersphinx',
    'sphinx.ext.mathjax',
    'sphinx_automodapi.automodapi',
    'sphinx_gallery.gen_gallery',
    'numpydoc',
]
exclude_patterns = ['_build', 'changes', '**/GALLERY_HEADER.rst']
default_role = 'obj'
nitpicky = True

html_theme = 'pydata_sphinx_theme'
html_title = f'astrofound {release}'
html_static_path = ['_static']
html_show_sourcelink = False
html_theme_options = {
    'show_prev_next': False,
    'navbar_end': ['theme-switcher'],
    # wide tables need the room
    'secondary_sidebar_items': {'**': ['page-toc'], 'user_guide/model_cards': []},
}

automodapi_toctreedirnm = 'reference/api'
automodapi_inheritance_diagram = False
automodsumm_inherited_members = False
numpydoc_show_class_members = False  # automodapi lists them

# What a reference to another package links to. Without a network the inventories cannot be
# read; then references outside astrofound are left unlinked instead of failing the build.
OTHERS = {
    'python': 'https://docs.python.org/3/',
    'numpy': 'https://numpy.org/doc/stable/',
    'scipy': 'https://docs.scipy.org/doc/scipy/',
    'matplotlib': 'https://matplotlib.org/stable/',
    'astropy': 'https://docs.astropy.org/en/stable/',
    'photutils': 'https://photutils.readthedocs.io/en/stable/',
    'regions': 'https://astropy-regions.readthedocs.io/en/stable/',
    'radio_beam': 'https://radio-beam.readthedocs.io/en/stable/',
    'sklearn': 'https://scikit-learn.org/stable/',
    'torch': 'https://docs.pytorch.org/docs/stable/',
    'torchvision': 'https://docs.pytorch.org/vision/stable/',
    'distributed': 'https://distributed.dask.org/en/stable/',
}


def has_inventory(url):
    """Whether the list of names of another package's documentation can be read."""
    try:
        with urllib.request.urlopen(f'{url}objects.inv', timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


online = has_inventory(OTHERS['python'])
intersphinx_mapping = {name: (url, None) for name, url in OTHERS.items()
                       if online and has_inventory(url)}
missing = [name for name in OTHERS if name not in intersphinx_mapping]
nitpick_ignore_regex = [
    # base classes without a page: private ones, one that is not exported, torchvision's
    ('py:.*', r'astrofound\..*\._\w+|astrofound\..*\.SavingMixin|torchvision\..*'),
    ('py:class', r'tuple\[.*'),           # annotations of dataclass fields come cut in two
]
nitpick_ignore_regex += [
    ('py:.*', rf'({"|".join(missing)})\..*'),
    # Of the standard library, and where inventories lack them.
    ('py:.*', r'(True|False|None|bool|int|float|str|bytes|list|tuple|dict|set|range|object|'
              r'callable|path-like|Exception|(abc|pathlib|collections|dataclasses|logging)\..*)'),
] if missing else []

sphinx_gallery_conf = {
    'examples_dirs': ['../examples'],
    'gallery_dirs': ['gallery'],
    'filename_pattern': r'/plot_',
    'abort_on_example_error': True,
    'remove_config_comments': True,
    'write_computation_times': False,
    'show_signature': False,
    'download_all_examples': False,
    'reference_url': {},
}

# What scikit-learn adds to every estimator; its text refers to pages of its own.
FROM_SKLEARN = ('fit_transform', 'get_feature_names_out', 'get_metadata_routing', 'get_params',
                'set_fit_request', 'set_output', 'set_params', 'set_predict_proba_request',
                'set_predict_request', 'set_score_request', 'set_transform_request')


def shorten(app, what, name, obj, options, lines):
    """Keep the first line of what scikit-learn wrote."""
    last = name.rpartition('.')[2]
    ours = last == 'fit_transform' and obj.__module__.startswith('astrofound')
    if last in FROM_SKLEARN and not ours:
        lines[1:] = []


def write_backbones(app):
    """Write the table of all backbones, from their registry, where generated pages lie."""
    from astrofound.backbones import find_spec, list_backbones

    header = ['name', 'architecture', 'Mpar', 'step', 'pretraining', 'licence', 'paper']
    rows = []
    for spec in map(find_spec, list_backbones()):
        licence = f'{spec.license} (restricted)' if spec.restricted else spec.license
        rows.append([f'``{spec.name}``', spec.architecture, f'{spec.n_parameters / 1e6:.1f}',
                     spec.patch_size, spec.pretraining, licence, spec.reference])
    lines = ['.. list-table::', '   :header-rows: 1', '']
    for row in [header, *rows]:
        lines += [f'   {"* -" if number == 0 else "  -"} {cell}' for number, cell in enumerate(row)]
    table = Path(app.srcdir) / 'reference' / 'api' / 'backbone_table.inc'
    table.parent.mkdir(exist_ok=True)
    table.write_text('\n'.join([*lines, '']), encoding='utf-8')


def setup(app):
    """Connect what writes pages, and what changes docstrings before numpydoc reads them."""
    app.connect('builder-inited', write_backbones)
    app.connect('autodoc-process-docstring', shorten, priority=100)
