"""Classical source finders behind the same contract as the networks."""

from .filtering import gaussian_score
from .segmentation import PhotutilsSegmentation
from .stars import DAOStarFinder, IRAFStarFinder, PeakFinder

#: Names under which the command line knows the baselines.
BASELINES = {
    'photutils': PhotutilsSegmentation,
    'daofind': DAOStarFinder,
    'starfind': IRAFStarFinder,
    'peaks': PeakFinder,
}

__all__ = ['BASELINES', 'DAOStarFinder', 'IRAFStarFinder', 'PeakFinder', 'PhotutilsSegmentation',
           'gaussian_score']
