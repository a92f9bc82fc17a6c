"""Send a catalogue to programs on the desktop through SAMP: TOPCAT, DS9, Aladin and others."""

import re
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from xmlrpc.client import Error as XmlRpcError

from ..utils import AstrofoundWarning, WriteError, check_number, require
from .write import write_catalog

__all__ = ['check_samp', 'send_catalog']

_ADVICE = 'start TOPCAT, DS9 or Aladin first, which brings one'


def check_samp():
    """
    Check, before hours of work, that there is a SAMP hub to send to.

    Raises
    ------
    MissingDependencyError
        If pyvo is not installed.
    WriteError
        If no hub is running.
    """
    with _connected():
        pass


def send_catalog(catalog, *, name='astrofound', timeout=60):
    """
    Send a catalogue to every program on this machine that takes tables, and its regions to DS9.

    The programs answer when they have loaded it; nothing is left on the disk afterwards.

    Parameters
    ----------
    catalog : `~astropy.table.Table`
        A catalogue; any table with positions will do.
    name : str, optional
        What the programs call it.
    timeout : int, optional
        Seconds that each of them may take.

    Returns
    -------
    sent : list of str
        What went where, such as ``'table to topcat'``. A program that refuses is told in an
        `~astrofound.utils.AstrofoundWarning`.

    Raises
    ------
    MissingDependencyError
        If pyvo is not installed.
    WriteError
        If no hub is running, no program takes tables or regions, or all of them refuse.
    """
    check_number('timeout', timeout, minimum=1, integer=True)
    with _connected() as client, tempfile.TemporaryDirectory(prefix='astrofound-') as folder:
        messages = _write_messages(catalog, name, Path(folder))
        sent, refused = [], []
        for what, message in messages:
            for recipient in client.get_subscribed_clients(message['samp.mtype']):
                program = client.get_metadata(recipient).get('samp.name', recipient)
                problem = _call(client, recipient, message, timeout)
                (refused if problem else sent).append(f'{what} to {program}{problem}')
    if not sent and not refused:
        raise WriteError('no program connected to the SAMP hub takes tables or regions; start '
                         'TOPCAT, DS9 or Aladin, or connect it to the hub')
    if not sent:
        raise WriteError(f'cannot send {"; ".join(refused)}')
    if refused:
        warnings.warn(f'could not send {"; ".join(refused)}', AstrofoundWarning, stacklevel=2)
    return sent


@contextmanager
def _connected():
    """Give a client of the running hub, registered and not listening."""
    samp = require('pyvo.samp', extra='samp', package='pyvo', purpose='sending catalogues')
    client = samp.SAMPIntegratedClient(
        name='astrofound', description='Turns survey images into catalogues', callable=False)
    # a hub is on this machine; pyvo would ask the network for the name of it
    with samp.conf.set_temp('use_internet', False):
        try:
            client.connect()
        except (samp.SAMPHubError, samp.SAMPProxyError, KeyError, OSError) as error:
            raise WriteError(f'no SAMP hub is running ({error}): {_ADVICE}') from error
        try:
            yield client
        except (XmlRpcError, OSError) as error:
            raise WriteError(f'the SAMP hub does not answer any more: {error}') from error
        finally:
            _leave(client)


def _leave(client):
    """Unregister, unless the hub has gone meanwhile."""
    try:
        client.disconnect()
    except (XmlRpcError, OSError):
        client.hub.disconnect()


def _write_messages(catalog, name, folder):
    """Write the files, and say what each kind of program shall do with them."""
    stem = re.sub(r'[^\w.-]+', '_', name) or 'catalog'
    table, regions = folder / f'{stem}.vot', folder / f'{stem}.reg'
    write_catalog(catalog, table)
    write_catalog(catalog, regions)
    return [
        ('table', {'samp.mtype': 'table.load.votable', 'samp.params': {
            'url': table.as_uri(), 'table-id': f'astrofound-{stem}', 'name': name}}),
        ('regions', {'samp.mtype': 'ds9.set', 'samp.params': {
            'cmd': f'regions load {regions}'}}),
    ]


def _call(client, recipient, message, timeout):
    """Send a message and wait for the answer; return what is wrong, or nothing."""
    try:
        answer = client.call_and_wait(recipient, message, str(timeout))
    except XmlRpcError as error:
        return f' ({getattr(error, "faultString", error)})'
    if answer.get('samp.status') == 'samp.error':
        return f' ({answer.get("samp.error", {}).get("samp.errortxt", "it refused")})'
    return ''
