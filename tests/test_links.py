"""The check of links inside the built site, which ``tox -e build_docs`` ends with."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / 'docs' / 'check_links.py'
find_broken = runpy.run_path(str(SCRIPT))['find_broken']


@pytest.fixture
def site(tmp_path):
    (tmp_path / 'guide').mkdir()
    (tmp_path / 'guide' / 'index.html').write_text('<h1 id="détail">Guide</h1>', encoding='utf-8')
    (tmp_path / 'sky.png').touch()
    return tmp_path


@pytest.mark.parametrize('link', [
    'guide/index.html', 'guide/', 'guide/index.html#d%C3%A9tail', '#here', '#', 'index.html#here',
    'sky.png?digest=1', 'https://example.org/missing.html#nowhere', 'mailto:you@example.org'])
def test_links_that_lead_somewhere(link, site):
    (site / 'index.html').write_text(f'<p id="here"><a href="{link}"><img src="sky.png">')
    assert find_broken(site) == []


@pytest.mark.parametrize('link', [
    'missing.html', 'index.html#nowhere', '#nowhere', '../#nowhere', '../sky.jpg', 'guide/',
    '../../outside.html'])
def test_links_that_lead_nowhere(link, site):
    (site.parent / 'outside.html').touch()
    (site / 'index.html').touch()
    (site / 'guide' / 'page.html').write_text(f'<a href="{link}"></a><img src="../sky.png"/>')
    assert find_broken(site) == [(str(Path('guide', 'page.html')), link)]
