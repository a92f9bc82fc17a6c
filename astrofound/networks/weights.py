"""Weights of the compact network as one safetensors file that describes itself."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from astrofound.utils import ReadError, atomic_path

from .calibration import ScoreCalibration
from .compact import CompactNetwork
from .pairs import PairNetwork
from .runs import locate_weights

__all__ = ['KINDS', 'CompactWeights', 'load_weights', 'save_weights']

FORMAT = 4
KINDS = ('radio', 'optical')  # images whose unit is per beam, and others


@dataclass(frozen=True)
class CompactWeights:
    """
    A trained compact network with all that is needed to use it.

    Attributes
    ----------
    network : CompactNetwork
        In evaluation mode, float32, on the CPU.
    beam_pix : float
        FWHM of the beam in network pixels.
    calibration : dict of str to ScoreCalibration
        From raw score to probability, for ``'radio'`` and ``'optical'`` images.
    pairs : PairNetwork
        Says which parts belong to one source, in radio images.
    link : float
        Logit of ``pairs`` from which on two parts are joined; infinite joins none.
    training : dict
        Recipe and measured figures, as in the model card.
    sha256 : str
        Hash of the file; empty before it is written.
    """

    network: CompactNetwork
    beam_pix: float = 4.0
    calibration: dict = field(
        default_factory=lambda: {kind: ScoreCalibration() for kind in KINDS})
    pairs: PairNetwork = field(default_factory=lambda: PairNetwork().eval())
    link: float = float('inf')
    training: dict = field(default_factory=dict)
    sha256: str = ''


def save_weights(path, weights):
    """
    Write weights as safetensors, wholly or not at all.

    Parameters
    ----------
    path : path-like
        File to write.
    weights : CompactWeights
        What to write; the network must not be fused.
    """
    network = weights.network
    metadata = {
        'format': str(FORMAT),
        'architecture': json.dumps({'widths': network.widths, 'depths': network.depths}),
        'beam_pix': repr(weights.beam_pix),
        'calibration': json.dumps({kind: asdict(own)
                                   for kind, own in weights.calibration.items()}),
        'pairs': json.dumps({'width': weights.pairs.width}),
        'link': repr(weights.link),
        'training': json.dumps(weights.training),
    }
    state = {f'{part}.{name}': tensor.detach().cpu().contiguous()
             for part, module in (('network', network), ('pairs', weights.pairs))
             for name, tensor in module.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata=metadata)


def load_weights(source='compact'):
    """
    Load the weights of a compact network.

    Parameters
    ----------
    source : str or path-like, optional
        Name of bundled weights, or a ``.safetensors`` file written by
        ``astrofound train detector`` (or the folder of such a run).

    Returns
    -------
    weights : CompactWeights
        Network in evaluation mode and its description.

    Raises
    ------
    ReadError
        If there is no such file or it holds something else.
    """
    path = locate_weights(source)
    try:
        content = path.read_bytes()
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ReadError(f'cannot read weights from {path}: {error}') from error
    if metadata.get('format') != str(FORMAT):
        raise ReadError(f'{path} has no compact-detector weights of format {FORMAT} '
                        f"(found {metadata.get('format')!r})")
    network = CompactNetwork(**json.loads(metadata['architecture']))
    pairs = PairNetwork(**json.loads(metadata['pairs']))
    for part, module in (('network.', network), ('pairs.', pairs)):
        module.load_state_dict({name.removeprefix(part): tensor for name, tensor in state.items()
                                if name.startswith(part)})
    calibration = {kind: ScoreCalibration(**{name: tuple(value) for name, value in own.items()})
                   for kind, own in json.loads(metadata['calibration']).items()}
    return CompactWeights(
        network=network.eval(), beam_pix=float(metadata['beam_pix']),
        calibration=calibration, pairs=pairs.eval(), link=float(metadata['link']),
        training=json.loads(metadata['training']), sha256=hashlib.sha256(content).hexdigest())
