"""Say which links inside the built site lead nowhere: ``python docs/check_links.py FOLDER``."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {'a': 'href', 'link': 'href', 'img': 'src', 'script': 'src', 'source': 'src'}


class Page(HTMLParser):
    """The links of a page, and the anchors that others may link to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], {'', 'top'}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note the links and anchors of a tag."""
        attrs = dict(attrs)
        self.anchors |= {attrs[name] for name in ('id', 'name') if attrs.get(name)}
        link = attrs.get(LINKS.get(tag))
        if link:
            self.links.append(link)


def find_broken(site):
    """
    Find the links whose page, file or anchor is missing.

    Parameters
    ----------
    site : path-like
        Folder of the built pages. Links to other hosts are left alone.

    Returns
    -------
    broken : list of (str, str)
        The page, relative to ``site``, and the link as it stands there.
    """
    site = Path(site).resolve()
    pages = {path: Page(path.read_text(encoding='utf-8')) for path in sorted(site.rglob('*.html'))
             if '_static' not in path.parts}  # a template of the theme lies there
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= 'index.html'
            inside = target.is_relative_to(site) and target.is_file()
            anchors = pages[target].anchors if target in pages else {unquote(parts.fragment)}
            if not inside or unquote(parts.fragment) not in anchors:
                broken.append((str(path.relative_to(site)), link))
    return broken


if __name__ == '__main__':
    found = find_broken(sys.argv[1])
    for where, link in found:
        print(f'{where}: {link} leads nowhere')
    sys.exit(bool(found))
