"""
The guidelines of Lastufka et al. 2025, as data: when each applies, what it says and why.

Points are differences of macro F1 (of mAP at IoU 0.5 for detection) where the paper prints
them; they only put candidates in order, and what was measured on one data set need not hold for
another. Where the paper gives a direction and no number, or says nothing, the number is ours and
the reference says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

__all__ = ['RULES', 'Favour', 'Rule']

OURS = 'our judgement'
MEASURED = "measured here, page 'Choosing what to train'"


@dataclass(frozen=True)
class Favour:
    """
    Points for the candidates that match.

    Parameters
    ----------
    points : float
        Added to the expected score.
    match : dict of str to str
        Properties of a candidate (``backbone``, ``kind``, ``strategy``, ``head``, ``crop``,
        ``size``, ``weight``) and patterns for them, several with ``|`` between.
    """

    points: float
    match: dict

    def fits(self, traits):
        """
        Say whether a candidate matches.

        Parameters
        ----------
        traits : dict of str to str
            Its properties.

        Returns
        -------
        answer : bool
            Whether all patterns do.
        """
        return all(any(fnmatchcase(traits[name], one) for one in pattern.split('|'))
                   for name, pattern in self.match.items())


@dataclass(frozen=True)
class Rule:
    """
    One guideline.

    Parameters
    ----------
    name : str
        Short name.
    when : callable
        From a `Situation` to whether the rule applies.
    says : str
        The recommendation; names in braces are filled from the situation.
    because : str
        The reason.
    reference : str
        Section, table or figure of the paper, ``'our judgement'`` or where it was measured.
    favours : tuple of Favour, optional
        What it makes of candidates.
    sets : dict, optional
        Parameters of `~astrofound.estimators.MorphologyClassifier` that it sets.
    """

    name: str
    when: Callable
    says: str
    because: str
    reference: str
    favours: tuple = ()
    sets: dict = field(default_factory=dict)


def _classifies(situation):
    return situation.task == 'classification'


def _detects(situation):
    return situation.task == 'detection'


def _both(*conditions):
    return lambda situation: all(one(situation) for one in conditions)


def _is(domain):
    return lambda situation: situation.domain == domain


_LANGUAGE = 'siglip*|cradio*|am_radio*'
_SELF = 'dino*|msn*'

_MODEL = (
    Rule('language-first-optical', _both(_classifies, _is('optical')),
         'begin with SigLIP or AM-RADIO (C-RADIO)',
         'with optical galaxies their F1 was 0.2 to 0.25 above that of the other models',
         'Sect. 3.1, Fig. 3', (Favour(0.2, {'backbone': _LANGUAGE}),)),
    Rule('language-first', _both(_classifies, lambda s: s.domain != 'optical'),
         'begin with SigLIP or AM-RADIO (C-RADIO)',
         'with radio galaxies only they were clearly better than training from scratch: frozen, '
         'AM-RADIO had 0.589 and ResNet-50 0.511',
         'Sect. 3.1, Table 4', (Favour(0.078, {'backbone': _LANGUAGE}),)),
    Rule('self-supervised-next', _both(_classifies, _is('optical')),
         'DINOv2 and MSN come next, before ResNets',
         'both were better than the ResNets with optical galaxies; the points are ours',
         'Sect. 3.1', (Favour(0.04, {'backbone': _SELF}),)),
    Rule('no-mae', _classifies, 'leave out MAE',
         'it was the worst on both data sets: what it takes to paint an image again says little '
         'about its class; the points are ours',
         'Sect. 3.1', (Favour(-0.08, {'backbone': 'mae*'}),)),
    Rule('small-resnet', _classifies, 'ResNet-18 is weaker than ResNet-50',
         'it was so on both data sets; the points are ours', 'Sect. 3.1',
         (Favour(-0.03, {'backbone': 'resnet18'}),)),
    Rule('larger', _classifies, 'of AM-RADIO the larger models are better, of ResNets not',
         'F1 rose by 0.036 and 0.063 with ViT-L and ViT-H, and fell by 0.025 with ResNet-101',
         'Table 4', (Favour(0.036, {'backbone': 'cradio*_l'}), Favour(0.063, {
             'backbone': 'cradio*_h'}), Favour(-0.025, {'backbone': 'resnet101|resnet152'}))),
    Rule('near-pretraining-radio', _both(_classifies, _is('radio')),
         'try a backbone pretrained on radio maps or on textures such as satellite images',
         'radio maps are unlike ImageNet; the paper proposes it without a test; the points are '
         'ours', 'Sect. 5', (Favour(0.04, {'backbone': 'stradavit*|dinov3_sat*'}),)),
    Rule('near-pretraining-optical', _both(_classifies, _is('optical')),
         'try a backbone pretrained on galaxies (Zoobot)',
         'near pretraining is proposed in the paper without a test; the points are ours',
         'Sect. 5', (Favour(0.1, {'backbone': 'zoobot*'}),)),
    Rule('bundled-encoder', _classifies,
         'the bundled encoder (compact) is here, light and made for survey images',
         'the paper does not know it: what is expected of it is what a small ResNet brings', OURS,
         (Favour(-0.03, {'backbone': 'compact'}),)),
    Rule('random-toys', lambda s: True, 'toys are random numbers, for trying a pipeline only',
         'they were never trained', OURS, (Favour(-0.5, {'backbone': 'toy_*'}),)),
)

_DATA = (
    Rule('crop', _both(_classifies, lambda s: s.is_small),
         'crop to the source: it spans {share:.0%} of the image',
         'cropping to the box brought +0.115 F1 with AM-RADIO and +0.132 with ResNet-50, the '
         'second largest gain', 'Sect. 3.2.3, Table 4',
         (Favour(0.115, {'crop': 'yes', 'kind': 'transformer'}),
          Favour(0.132, {'crop': 'yes', 'kind': 'convolutional'}))),
    Rule('no-crop', _both(_classifies, lambda s: not s.is_small),
         'no crop is needed: sources span {share:.0%} of the image',
         'what cropping brings is patches on the source', 'Sect. 3.2.3, Fig. 6',
         (Favour(-0.02, {'crop': 'yes'}),)),
    Rule('enlarge', _both(_classifies, lambda s: s.is_small),
         'or enlarge the images, for transformers only',
         'at 480 pixels AM-RADIO gained 0.080, ResNet-50 lost 0.046; larger is not always better',
         'Sect. 3.2.3, Table 4',
         (Favour(0.08, {'size': 'enlarged', 'kind': 'transformer', 'crop': 'no'}),
          Favour(-0.046, {'size': 'enlarged', 'kind': 'convolutional'}))),
    Rule('float-data', lambda s: s.bytes,
         'go back to the FITS files if you can',
         'in pictures of 8 bits the ratio of peaks to islands is lost, and with it the number '
         'of components', 'Sect. 3.1'),
    Rule('channels', lambda s: not s.bytes and s.description.dynamic_range > 300,
         "use scaling='channels': peaks reach {description.dynamic_range:.3g} times the noise",
         'several stretches show bright peaks and faint islands together; proposed without a '
         'test', 'Sect. 5', sets={'scaling': 'channels'}),
    Rule('sky-augmentation', _both(_classifies, lambda s: not s.is_handed),
         'augment with rotations and flips, not with colours',
         'the sky has no up; the paper did not study augmentation and points to others',
         'Sect. 5', sets={'augment': 'sky'}),
    Rule('handed-classes', _both(_classifies, lambda s: s.is_handed),
         'augment with rotations and without flips, or give pairs of classes as mirror',
         'the names of the classes say that a mirror image is of another class', OURS,
         sets={'augment': 'sky-parity'}),
    Rule('labels', _both(_classifies, lambda s: s.domain == 'radio' and len(s.classes) > 3),
         'ask whether coarser labels would do',
         'with the six classes of Radio Galaxy Zoo F1 stayed below 0.6; by number of peaks it '
         'reached 0.74', 'Sect. 3.1, Fig. 5'),
    Rule('balance', _both(_classifies, lambda s: s.is_unbalanced),
         'weigh classes by one over their number: {n_smallest} to {n_largest} images',
         'so did the paper with its unbalanced classes', 'Sect. 3',
         sets={'class_weight': 'balanced'}),
    Rule('rare-class', _both(_classifies, lambda s: 0 < s.n_smallest < 10),
         'merge or leave out classes of fewer than 10 images',
         'neither learning nor test means much with so few', OURS),
)

_TRAINING = (
    Rule('mlp', _classifies, 'a hidden layer (MLP) or whitening in the head costs next to nothing',
         'MLP +0.034 and +0.015, whitening +0.013 and +0.008 F1 (AM-RADIO, ResNet-50)',
         'Sect. 3.2.1, Table 4',
         (Favour(0.034, {'head': 'mlp', 'kind': 'transformer'}),
          Favour(0.015, {'head': 'mlp', 'kind': 'convolutional'}),
          Favour(0.013, {'head': 'whiten', 'kind': 'transformer'}),
          Favour(0.008, {'head': 'whiten', 'kind': 'convolutional'}))),
    Rule('whiten-many', _both(_classifies, lambda s: s.n_labels < 2000),
         'do not whiten the features of {n_labels} images',
         'with as few images as features most directions are noise, and whitening makes all as '
         'strong: -0.016 with 1758 cutouts, -0.119 with 1200 simulated ones', MEASURED,
         (Favour(-0.05, {'head': 'whiten'}),)),
    Rule('fine-tune', _both(_classifies, lambda s: s.n_labels >= 300),
         'fine-tuning brings most', 'AM-RADIO +0.132, ResNet-50 +0.226 F1 with 4692 labels',
         'Sect. 3.2.4, Table 4',
         (Favour(0.132, {'strategy': 'finetune', 'kind': 'transformer'}),
          Favour(0.226, {'strategy': 'finetune', 'kind': 'convolutional'}))),
    Rule('lora', _both(_classifies, lambda s: s.n_labels >= 300),
         'LoRA is a few per cent less for less memory', 'AM-RADIO +0.102, ResNet-50 +0.163 F1 '
         'with under 5 % of the parameters', 'Sect. 3.2.5, Table 4',
         (Favour(0.102, {'strategy': 'lora', 'kind': 'transformer'}),
          Favour(0.163, {'strategy': 'lora', 'kind': 'convolutional'}))),
    Rule('few-for-many', _both(_classifies, lambda s: 300 <= s.n_labels < 2000),
         'with {n_labels} labels do not fine-tune all of a network of many millions',
         'with fewer than 10 000 images the paper advises a few million parameters, the upper '
         'blocks, or LoRA; the limit and the points are ours', 'Sect. 5',
         (Favour(-0.1, {'strategy': 'finetune', 'weight': 'heavy'}),)),
    Rule('very-few', _both(_classifies, lambda s: s.n_labels < 300),
         'with {n_labels} labels train the head only',
         'a frozen backbone reached 0.87 with 800 labels of galaxies; limit and points are ours',
         'Sect. 6', (Favour(-0.1, {'strategy': 'finetune|lora'}),)),
    Rule('not-from-scratch', _both(_classifies, lambda s: s.domain != 'radio'),
         'do not train from scratch', 'supervised training was up to 15 % worse, and took hours '
         'instead of tens of seconds', 'Sect. 3.1',
         (Favour(-0.1, {'strategy': 'scratch'}),)),
    Rule('scratch-radio', _both(_classifies, _is('radio'), lambda s: s.n_labels >= 2000),
         'training a small network from scratch is worth a try',
         'with radio galaxies it was better than all frozen models but SigLIP and AM-RADIO; the '
         'points are ours', 'Sect. 3.1, 6',
         (Favour(0.03, {'strategy': 'scratch', 'weight': 'light'}),
          Favour(-0.05, {'strategy': 'scratch', 'weight': 'heavy'}))),
    Rule('scratch-few', _both(_classifies, lambda s: s.n_labels < 2000),
         'too few labels to train from scratch', 'a network has more parameters than that', OURS,
         (Favour(-0.2, {'strategy': 'scratch'}),)),
)


def _table_5(column):
    """Favours of Table 5: mAP at IoU 0.5, frozen and fine-tuned, less 0.5."""
    rows = {
        'msn*': ((0.70, 0.71), (0.878, 0.891)), 'dino_*': ((0.63, 0.73), (0.886, 0.896)),
        'dinov[23]*': ((0.61, 0.71), (0.866, 0.876)),    # not tested there; a little less, ours
        'mae*': ((0.51, 0.73), (0.867, 0.873)),
        'siglip*': ((0.46, 0.679), (0.872, 0.878)),
        'cradio*|am_radio*': ((0.47, 0.605), (0.867, 0.885)),
        'resnet50': ((0.627, 0.714), (0.849, 0.873)), 'resnet18': ((0.311, 0.644), (0.020, 0.511)),
    }
    return tuple(Favour(value - 0.5, {'backbone': pattern, 'strategy': strategy})
                 for pattern, columns in rows.items()
                 for strategy, value in zip(('frozen', 'finetune'), columns[column], strict=True))


def _large(situation):
    return situation.share > 0.08   # the mean object of RGZ: 55 of 224 pixels; of MGCLS 16 of 512


_DETECTION = (
    Rule('bundled-detector', _detects, 'begin with SourceDetector: it needs no training',
         'it is trained on simulated skies in units of the beam; it stands first because it is '
         'ready, the paper does not know it', OURS, (Favour(0.5, {'strategy': 'bundled'}),)),
    Rule('detect-extended', _both(_detects, _large),
         'for few large sources: MSN, DINO or a ResNet-50, fine-tuned',
         'mAP of 0.71 to 0.73; SigLIP and AM-RADIO are worse here, 0.46 and 0.47 frozen',
         'Table 5 (Radio Galaxy Zoo)', _table_5(0)),
    Rule('detect-compact', _both(_detects, lambda s: not _large(s)),
         'for many compact sources: a vision transformer, MSN or DINO',
         'mAP of 0.88 to 0.90, and even frozen 0.87 or more', 'Table 5 (MGCLS)', _table_5(1)),
    Rule('fill-a-patch', _detects, 'enlarge images until a source fills most of a patch',
         'doubling them brought more than 10 % mAP; patches should be slightly smaller than the '
         'mean source', 'Sect. 4, 6', (Favour(0.05, {'size': 'enlarged'}),)),
)

#: All guidelines, in the order in which they are told.
RULES = (*_MODEL, *_DATA, *_TRAINING, *_DETECTION)
