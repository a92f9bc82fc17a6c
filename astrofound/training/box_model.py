"""A trained detector on a backbone, and the run folder that it lives in."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from astrofound.backbones import BackboneSpec, load_backbone
from astrofound.networks import ScoreCalibration
from astrofound.networks.anchors import AnchorPlan
from astrofound.networks.box_heads import BOX_HEADS, build_box_network
from astrofound.networks.box_network import BoxNetwork
from astrofound.networks.refining import BoxRefiner
from astrofound.networks.runs import BOX_KIND, PARAMETERS, read_parameters
from astrofound.preprocess import NetworkInput
from astrofound.utils import InputError, ReadError, atomic_path

from .adaptation import add_lora

__all__ = ['BoxModel', 'is_learnt', 'load_box_model', 'save_box_model']

FORMAT = 1
_WEIGHTS = 'weights.safetensors'
_BODY = 'backbone.body.'


@dataclass(frozen=True, eq=False)
class BoxModel:
    """
    Everything that is needed to detect with a trained network.

    Attributes
    ----------
    network : BoxNetwork
        In evaluation mode.
    classes : tuple of str
        Names of the classes.
    network_input : NetworkInput
        Scale and channels.
    tile_side : int
        Side of a tile in network pixels: the longest of a whole tile of the training, for which
        the numbers of detections are meant, even where it learnt from parts of them.
    tuning : str
        A key of ``TUNINGS``: what of the backbone is in the file, all or only what was added
        to it, or nothing.
    lora_rank : int
        Rank of what was added with ``'lora'``.
    fingerprint : str
        Hash of the backbone's weights where they are not in the file.
    refiner : BoxRefiner
        What moves boxes by fractions of a pixel.
    calibration : ScoreCalibration
        From raw score and S/N to probability.
    training : dict
        Recipe, data and measured figures.
    source : str
        What the backbone was loaded from: its name or place.
    sha256 : str
        Hash of the file of weights; empty before it is written.
    """

    network: BoxNetwork
    classes: tuple
    network_input: NetworkInput
    tile_side: int
    tuning: str
    lora_rank: int = 8
    fingerprint: str = ''
    refiner: BoxRefiner = field(default_factory=BoxRefiner)
    calibration: ScoreCalibration = field(default_factory=ScoreCalibration)
    training: dict = field(default_factory=dict)
    source: str = ''
    sha256: str = ''


def save_box_model(run, model):
    """
    Write a detector into a folder: ``weights.safetensors`` and ``params.json``.

    A backbone that was frozen or adapted by LoRA is named with the fingerprint of its weights,
    not copied.

    Parameters
    ----------
    run : path-like
        Folder, made where missing.
    model : BoxModel
        What to write.

    Returns
    -------
    model : BoxModel
        The same.
    """
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    network, body = model.network, model.network.backbone.body
    state = {name: tensor.detach().cpu().contiguous()
             for name, tensor in network.state_dict().items() if is_learnt(name, model.tuning)}
    parameters = {
        'kind': BOX_KIND, 'format': FORMAT, 'classes': list(model.classes),
        'source': model.source, 'backbone': asdict(body.spec), 'tuning': model.tuning,
        'lora_rank': model.lora_rank, 'fingerprint': model.fingerprint,
        'from_scratch': network.backbone.from_scratch,
        'head': network.options.head, 'network': asdict(network.options),
        'input': asdict(model.network_input), 'tile_side': model.tile_side,
        'refiner': asdict(model.refiner),
        'calibration': asdict(model.calibration), 'training': model.training,
    }
    with atomic_path(run / _WEIGHTS) as temporary:
        save_file(state, temporary, metadata={'kind': BOX_KIND, 'format': str(FORMAT)})
    with atomic_path(run / PARAMETERS) as temporary:
        temporary.write_text(json.dumps(parameters, indent=1) + '\n')
    return model


def is_learnt(name, tuning):
    """
    Tell whether a training changes a tensor.

    Parameters
    ----------
    name : str
        Its name in the network.
    tuning : str
        A key of ``TUNINGS``.

    Returns
    -------
    learnt : bool
        Whether it has to be kept.
    """
    if not name.startswith(_BODY) or tuning in ('full', 'scratch'):
        return True
    return tuning == 'lora' and 'lora_' in name


def load_box_model(run, *, backbone_weights=None, device='cpu'):
    """
    Load a detector from its run folder.

    Parameters
    ----------
    run : path-like
        Folder written by ``astrofound train detector --backbone``.
    backbone_weights : path-like, optional
        Where a frozen backbone's weights are, as for `~astrofound.backbones.load_backbone`.
    device : str or `torch.device`, optional
        Where it runs.

    Returns
    -------
    model : BoxModel
        With its network in evaluation mode.

    Raises
    ------
    ReadError
        If the folder holds something else, or the backbone's weights are not those that the
        detector was trained on.
    """
    run = Path(run)
    parameters = read_parameters(run)
    if parameters.get('kind') != BOX_KIND:
        raise ReadError(f'{run} holds no detector on a backbone')
    if parameters.get('format') != FORMAT:
        raise ReadError(f'{run} has format {parameters.get("format")!r}, this version of '
                        f'astrofound reads format {FORMAT}')
    try:
        return _build(run, parameters, backbone_weights, device)
    except (KeyError, TypeError, InputError) as error:
        raise ReadError(f'{run / PARAMETERS} does not describe a detector: {error}') from None


def _build(run, parameters, backbone_weights, device):
    spec = BackboneSpec(**{name: _as_tuple(value)
                           for name, value in parameters['backbone'].items()})
    tuning, source = parameters['tuning'], parameters['source']
    stored = tuning in ('full', 'scratch')
    name = source if not stored and Path(source).exists() else spec
    backbone = load_backbone(name, weights=backbone_weights, pretrained=not stored, device=device)
    options = dict(parameters['network'])
    options['anchors'] = AnchorPlan(**options['anchors'])
    if not stored and backbone.fingerprint() != parameters['fingerprint']:
        raise ReadError(f'{run} was trained on other weights of {spec.name} than those found here')
    if tuning == 'lora':
        add_lora(backbone, rank=parameters['lora_rank'])
    kind = BOX_HEADS[parameters.get('head', 'rcnn')]  # the only one there was at first
    network = build_box_network(backbone, len(parameters['classes']), kind.options(**options),
                                from_scratch=parameters['from_scratch'])
    digest = _load_weights(run / _WEIGHTS, network, tuning)
    return BoxModel(
        network=network.eval(), classes=tuple(parameters['classes']),
        network_input=NetworkInput(**parameters['input']), tile_side=parameters['tile_side'],
        tuning=tuning, lora_rank=parameters['lora_rank'], source=source,
        fingerprint=parameters['fingerprint'], training=parameters['training'], sha256=digest,
        refiner=BoxRefiner(**{name: tuple(value)
                              for name, value in parameters['refiner'].items()}),
        calibration=ScoreCalibration(**{name: tuple(value) for name, value in
                                        parameters['calibration'].items()}))


def _load_weights(path, network, tuning):
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework='pt') as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ReadError(f'cannot read weights from {path}: {error}') from None
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # another shape
        reason = ' '.join(str(error).split())
        raise ReadError(f'{path} does not fit its params.json: {reason[:300]}') from None
    missing = [name for name in missing if is_learnt(name, tuning)]
    if missing or unexpected:
        raise ReadError(f'{path} does not fit its params.json: {len(missing)} tensors are '
                        f'missing, {len(unexpected)} unknown')
    return digest


def _as_tuple(value):
    """Lists of JSON as the tuples that they were."""
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list) else value
