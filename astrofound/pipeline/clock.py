"""Where the time of a run goes, stage by stage."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ['StageClock', 'StageTime']


@dataclass
class StageTime:
    """
    What one stage has cost so far.

    Parameters
    ----------
    wall : float, optional
        Seconds that passed in the stage itself, stages within it left out.
    cpu : float, optional
        Seconds of CPU, of all threads and of the workers.
    read : float, optional
        Seconds that reading took in a thread of its own, beside the rest.
    n_parts : int, optional
        Parts worked through.
    n_kept : int, optional
        Parts taken over from an earlier run.
    """

    wall: float = 0.0
    cpu: float = 0.0
    read: float = 0.0
    n_parts: int = 0
    n_kept: int = 0


class StageClock:
    """
    Times the stages of a run; a second belongs to the innermost stage only.

    Attributes
    ----------
    stages : dict of str to StageTime
        In the order in which they first began.
    """

    def __init__(self):
        self.stages = {}
        self._running = []
        self._last = None

    def __getitem__(self, name):
        return self.stages.setdefault(name, StageTime())

    @contextmanager
    def stage(self, name):
        """
        Charge the time until the block ends to a stage.

        Parameters
        ----------
        name : str
            The stage; the same name adds up.

        Yields
        ------
        stage : StageTime
            Its account.
        """
        self._charge()
        self._running.append(name)
        try:
            yield self[name]
        finally:
            self._charge()
            self._running.remove(name)

    def _charge(self):
        now = time.perf_counter(), time.process_time()
        if self._running:
            stage = self[self._running[-1]]
            stage.wall += now[0] - self._last[0]
            stage.cpu += now[1] - self._last[1]
        self._last = now

    def table(self):
        """
        Say what each stage cost.

        Returns
        -------
        text : str
            One line a stage: wall time and its share, CPU time, parts, time of reading ahead.
        """
        total = sum(stage.wall for stage in self.stages.values())
        lines = [f'{"stage":14} {"wall s":>8} {"share":>6} {"CPU s":>8} {"parts":>6}']
        for name, stage in self.stages.items():
            parts = str(stage.n_parts) if stage.n_parts else ''
            notes = [f'read ahead in {stage.read:.1f} s'] if stage.read >= 0.05 else []
            notes += [f'{stage.n_kept} parts of an earlier run'] if stage.n_kept else []
            lines.append(f'{name:14} {stage.wall:8.2f} {stage.wall / max(total, 1e-9):6.0%} '
                         f'{stage.cpu:8.2f} {parts:>6} {", ".join(notes)}'.rstrip())
        cpu = sum(stage.cpu for stage in self.stages.values())
        return '\n'.join([*lines, f'{"total":14} {total:8.2f} {1:6.0%} {cpu:8.2f}'])
