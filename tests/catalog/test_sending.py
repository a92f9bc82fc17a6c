import threading
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from astropy.table import Table
from pyvo import samp

from astrofound.catalog import check_samp, send_catalog
from astrofound.utils import AstrofoundWarning

TABLE = Table({'ra': [10.0, 20.0], 'dec': [-5.0, 5.0], 'flux': [1.0, 2.0]})


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub of this process, which writes its lock file where nobody else looks."""
    monkeypatch.setenv('SAMP_HUB', f'std-lockurl:{(tmp_path / "hub").as_uri()}')
    with samp.conf.set_temp('use_internet', False):
        hub = samp.SAMPHubServer(web_profile=False, addr='127.0.0.1', pool_size=5)
        hub.start()
        yield hub
        hub.stop()


class Program:
    """What stands in for TOPCAT or DS9: takes messages of one kind and remembers them."""

    def __init__(self, hub, name, mtype, error=''):
        self.error, self.messages = error, []
        self.client = samp.SAMPIntegratedClient(name=name, addr='127.0.0.1')
        self.client.connect(hub=hub, pool_size=5)
        self.client.bind_receive_call(mtype, self.receive)

    def receive(self, private_key, sender_id, msg_id, mtype, params, extra):
        url = params['url'] if 'url' in params else params['cmd'].split(' ', 2)[2]
        path = Path(urlparse(url).path)
        self.messages.append((params, path, path.read_bytes()))
        status = samp.SAMP_STATUS_ERROR if self.error else samp.SAMP_STATUS_OK
        threading.Thread(target=self.client.ereply, args=(msg_id, status), kwargs={
            'result': {}, 'error': {'samp.errortxt': self.error}}).start()


@pytest.fixture
def program(hub):
    started = []

    def start(*arguments, **keywords):
        started.append(Program(hub, *arguments, **keywords))
        return started[-1]

    yield start
    for one in started:
        one.client.disconnect()


def test_table_and_regions_arrive(program, tmp_path):
    topcat = program('topcat', 'table.load.votable')
    ds9 = program('DS9', 'ds9.set')
    check_samp()
    assert send_catalog(TABLE, name='my mosaic.fits', timeout=20) == [
        'table to topcat', 'regions to DS9']
    [(params, path, content)] = topcat.messages
    assert params['name'] == 'my mosaic.fits'
    (tmp_path / 'got.vot').write_bytes(content)
    np.testing.assert_array_equal(Table.read(tmp_path / 'got.vot')['ra'], TABLE['ra'])
    assert not path.exists()
    [(params, _, content)] = ds9.messages
    assert params['cmd'].startswith('regions load /')
    assert content.count(b'ellipse(') == 2


def test_one_program_refuses(program):
    program('topcat', 'table.load.votable')
    program('DS9', 'ds9.set', error='no frame')
    with pytest.warns(AstrofoundWarning, match=r'regions to DS9 \(no frame\)'):
        assert send_catalog(TABLE, timeout=20) == ['table to topcat']


def test_all_programs_refuse(program):
    program('DS9', 'ds9.set', error='no frame')
    with pytest.raises(OSError, match=r'cannot send regions to DS9 \(no frame\)'):
        send_catalog(TABLE, timeout=20)


def test_program_that_never_answers(program, monkeypatch):
    topcat = program('topcat', 'table.load.votable')
    monkeypatch.setattr(topcat.client, 'ereply', lambda *arguments, **keywords: None)
    with pytest.raises(OSError, match=r'table to topcat \(.*[Tt]imeout'):
        send_catalog(TABLE, timeout=1)


def test_nobody_takes_tables(hub):
    with pytest.raises(OSError, match='no program connected to the SAMP hub'):
        send_catalog(TABLE)


def test_no_hub(tmp_path, monkeypatch):
    monkeypatch.setenv('SAMP_HUB', f'std-lockurl:{(tmp_path / "none").as_uri()}')
    for call in (check_samp, lambda: send_catalog(TABLE)):
        with pytest.raises(OSError, match=r'no SAMP hub is running.*start TOPCAT'):
            call()
