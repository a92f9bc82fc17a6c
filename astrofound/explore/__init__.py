"""Every figure of the package."""

from .assessing import plot_assessment
from .attention import plot_attention_blocks, plot_attention_contours
from .box_figures import plot_box_scores
from .comparing import plot_comparison
from .describe import Description, describe
from .diagnostics import plot_diagnostics
from .figures import FIGURE_COLORS, check_figure_path, save_figure
from .judging import plot_confusion, plot_reliability
from .latent import LatentMap, balanced_sample
from .latent_figures import plot_latent_grid, plot_latent_map
from .learning import plot_class_scores, plot_learning_curves, plot_strategies
from .neighbors import FeatureIndex, score_anomalies
from .overview import plot_overview
from .pages import plot_cutouts
from .report import check_report_path, write_report
from .samples import plot_samples
from .training import plot_box_training, plot_training

__all__ = [
    'FIGURE_COLORS', 'check_figure_path', 'save_figure',
    'check_report_path', 'plot_assessment', 'plot_box_scores', 'plot_box_training',
    'plot_comparison', 'plot_diagnostics', 'plot_overview', 'plot_training', 'write_report',
    'plot_attention_blocks', 'plot_attention_contours', 'plot_cutouts', 'plot_latent_grid',
    'plot_latent_map',
    'plot_samples',
    'plot_class_scores', 'plot_confusion', 'plot_learning_curves', 'plot_reliability',
    'plot_strategies',
    'Description', 'FeatureIndex', 'LatentMap', 'balanced_sample', 'describe',
    'score_anomalies',
]
