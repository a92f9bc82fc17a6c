"""Which weights are on this machine, without asking the network."""

from pathlib import Path

from astrofound.backbones.places import own_folder

__all__ = ['is_on_this_machine']


def is_on_this_machine(spec):
    """
    Say whether a backbone can be loaded without a network.

    Parameters
    ----------
    spec : `~astrofound.backbones.BackboneSpec`
        The backbone.

    Returns
    -------
    answer : bool
        Whether its weights are bundled, random, in ``$ASTROFOUND_MODELS`` or in a cache.
    """
    if spec.library == 'astrofound' or spec.is_toy:
        return True
    if own_folder(spec) is not None:
        return True
    if spec.library == 'torchvision':
        from torch import hub

        return any(Path(hub.get_dir(), 'checkpoints').glob(f'{spec.model}-*.pth'))
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(spec.repo, 'config.json', revision=spec.revision),
                      str)
