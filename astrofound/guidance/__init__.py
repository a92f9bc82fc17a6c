"""The guidelines of Lastufka et al. 2025 as advice for a data set, and its printed figures."""

from .advice import Advice, advise
from .candidates import Candidate
from .costs import Cost, estimate_cost
from .published import PAPER, PublishedValue, find_published
from .reporting import EXPERIMENTS, Reproduction
from .reproduction import RECIPES, STRATEGY_ROWS, describe_panel, reproduce
from .rules import RULES, Favour, Rule
from .situation import Situation
from .trying import try_candidates

__all__ = [
    'RULES', 'Advice', 'Candidate', 'Cost', 'Favour', 'Rule', 'Situation', 'advise',
    'estimate_cost', 'try_candidates', 'PAPER', 'EXPERIMENTS',
    'RECIPES', 'STRATEGY_ROWS', 'PublishedValue', 'find_published',
    'Reproduction', 'describe_panel', 'reproduce',
]
