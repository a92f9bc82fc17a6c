"""Every figure of the package."""

from .attention import plot_attention_blocks, plot_attention_contours
from .comparing import plot_comparison
from .describe import Description, describe
from .figures import FIGURE_COLORS, check_figure_path, save_figure
from .latent import LatentMap, balanced_sample
from .latent_figures import plot_latent_grid, plot_latent_map
from .neighbors import FeatureIndex, score_anomalies
from .overview import plot_overview
from .pages import plot_cutouts
from .training import plot_training

__all__ = [
    'FIGURE_COLORS', 'check_figure_path', 'save_figure',
    'plot_comparison', 'plot_overview', 'plot_training',
    'plot_attention_blocks', 'plot_attention_contours', 'plot_cutouts', 'plot_latent_grid',
    'plot_latent_map',
    'Description', 'FeatureIndex', 'LatentMap', 'balanced_sample', 'describe',
    'score_anomalies',
]
