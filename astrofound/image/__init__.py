"""Survey images: pixels, mask, unit, WCS and beam of any file or object astronomers have."""

from .beam import PixelBeam, parse_beam
from .convert import as_survey_image
from .psf import measure_beam
from .stack import BandStack, stack_bands
from .survey_image import SurveyImage

__all__ = ['BandStack', 'PixelBeam', 'SurveyImage', 'as_survey_image', 'measure_beam',
           'parse_beam', 'stack_bands']
