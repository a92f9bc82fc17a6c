"""What runs by itself: tox, the workflow of the public host, the hooks before a commit."""

import configparser
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def tox():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / 'tox.ini', encoding='utf-8')
    return settings


@pytest.fixture(scope='module')
def jobs():
    path = ROOT / '.github' / 'workflows' / 'tests.yml'
    return yaml.safe_load(path.read_text(encoding='utf-8'))['jobs']


@pytest.fixture(scope='module')
def hooks():
    text = (ROOT / '.pre-commit-config.yaml').read_text(encoding='utf-8')
    return [hook for source in yaml.safe_load(text)['repos'] for hook in source['hooks']]


def environments(tox):
    sections = {name.partition(':')[2] for name in tox.sections() if name.startswith('testenv:')}
    return sections | set(tox['tox']['env_list'].replace(' ', '').split(','))


def test_workflow_runs_every_environment_of_tox(tox, jobs):
    matrix = jobs['tox']['strategy']['matrix']['include']
    assert {row['environment'] for row in matrix} == environments(tox)
    commands = [step.get('run', '') for step in jobs['tox']['steps']]
    assert 'tox -e ${{ matrix.environment }}' in commands


def test_only_prereleases_may_fail(tox, jobs):
    may_fail = {name.partition(':')[2] for name in tox.sections()
                if tox.getboolean(name, 'ignore_outcome', fallback=False)}
    assert may_fail == set(re.findall(r"== '(\w+)'", jobs['tox']['continue-on-error']))


def test_guide_names_environments_that_exist(tox):
    text = (ROOT / 'CONTRIBUTING.rst').read_text(encoding='utf-8')
    text += (ROOT / 'README.rst').read_text(encoding='utf-8')
    named = set(re.findall(r'tox -e (\w+)', text))
    assert named
    assert named <= environments(tox)


def test_hooks_and_tox_run_the_same_lint(tox, hooks):
    wanted = {line for line in tox['testenv:codestyle']['deps'].split('\n') if line}
    installed = {one for hook in hooks for one in hook['additional_dependencies']}
    assert wanted <= installed
    assert {hook['entry'].split()[0] for hook in hooks} >= {
        command.split()[0] for command in ('ruff check', 'codespell', 'numpydoc lint')}


def test_hooks_leave_images_alone(hooks):
    # whose first bytes are text, so that a fixer of blanks would damage the pixels
    fixers = [hook for hook in hooks if hook['entry'].startswith(('end-of', 'trailing'))]
    assert len(fixers) == 2
    for hook in fixers:
        assert re.search(hook['exclude'], 'examples/data/mosaic.fits.fz')
        assert re.search(hook['exclude'], 'examples/data/mosaic_truth.fits')
