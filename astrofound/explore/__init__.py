"""Every figure of the package."""

from .comparing import plot_comparison
from .figures import FIGURE_COLORS, check_figure_path, save_figure
from .overview import plot_overview
from .training import plot_training

__all__ = ['FIGURE_COLORS', 'check_figure_path', 'plot_comparison', 'plot_overview',
           'plot_training', 'save_figure']
