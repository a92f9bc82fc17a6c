"""The guidelines of Lastufka et al. 2025 as advice for a data set, and its printed figures."""

from .advice import Advice, Candidate, advise
from .costs import Cost, estimate_cost
from .published import PAPER, PublishedValue, find_published
from .rules import RULES, Favour, Rule
from .situation import Situation

__all__ = [
    'RULES', 'Advice', 'Candidate', 'Cost', 'Favour', 'Rule', 'Situation', 'advise',
    'estimate_cost', 'PAPER', 'PublishedValue', 'find_published',
]
