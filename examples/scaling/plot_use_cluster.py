"""
Use a dask cluster on one machine
=================================

Who does what when a mosaic is worked through by several processes, and is the catalogue the same?
The scheduler and its two workers are started as programs of their own, as on a cluster of many
machines; ``astrofound detect mosaic.fits --workers 2`` starts some for you.
"""

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, SubprocessCluster, get_task_stream

from astrofound import SourceDetector
from astrofound.datasets import make_field
from astrofound.pipeline import Runner

image = make_field('radio', shape=(1024, 1024), seed=2).image
detector = SourceDetector(tile_size=512)
alone = detector.predict(image)

# %%
# A `~astrofound.pipeline.Runner` with a client sends its parts there; each worker loads the network
# once. ``Client`` takes the address of any scheduler, here and elsewhere.

options = {'n_workers': 2, 'worker_kwargs': {'nthreads': 1, 'dashboard': False}}
with (SubprocessCluster(**options, dashboard_address=None) as cluster, Client(cluster) as client,
      get_task_stream(client) as tasks, Runner(client=client) as runner):
    together = detector.predict(image)
print(f'{len(alone)} sources alone, {len(together)} with two workers')
same = [name for name in alone.colnames if np.all((alone[name] == together[name])
                                                | (alone[name] != alone[name]))]  # NaN
print(f'{len(same)} of {len(alone.colnames)} columns are the same to the last digit')

# %%
# What each worker did when: the network on windows of 512 network pixels, then all that follows it,
# from what is joined and the search for diffuse emission to the footprints. The noise map was made
# before, by the process that asked.

tasks_by_time = sorted(tasks.data, key=lambda task: task['startstops'][0]['start'])
stages = dict.fromkeys(task['key'].split('-')[0] for task in tasks_by_time)
stages = dict(zip(stages, ('#0072B2', '#D55E00', '#E69F00', '#009E73', '#CC79A7', '#56B4E9'),
                  strict=False))
workers = sorted({task['worker'] for task in tasks.data})
start = min(part['start'] for task in tasks.data for part in task['startstops'])
figure, ax = plt.subplots(figsize=(7, 2.4), layout='constrained')
for task in tasks.data:
    stage = task['key'].split('-')[0]
    for part in task['startstops']:
        if part['action'] == 'compute':
            ax.barh(workers.index(task['worker']), part['stop'] - part['start'],
                    left=part['start'] - start, height=0.7, color=stages[stage], edgecolor='white',
                    lw=0.5)
ax.set_yticks(range(len(workers)), [f'worker {number + 1}' for number in range(len(workers))])
ax.set(xlabel='time (s)', xlim=(0, None), ylim=(-0.6, len(workers) - 0.4))
figure.legend([plt.Rectangle((0, 0), 1, 1, color=color) for color in stages.values()], stages,
              loc='outside upper center', ncols=len(stages), frameon=False)
plt.show()

# %%
# The report adds up what the stages cost in all processes.

print(runner.report())
