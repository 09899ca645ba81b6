"""What a study's measures will cost, before they are taken."""

from statistics import fmean

from sambench import measures
from sambench.config import Measured, Study
from sambench.measures import NAME
from sambench.study.folder import StudyFolder
from sambench.tasks import Data


def seconds_per_run(
    study: Study, folder: StudyFolder, data: Data | None, seconds_per_evaluation: float
) -> tuple[float, int]:
    """Of all measures of one run, and how many measured runs told so.

    With none yet, by the gradient evaluations that the measures declare, each of as many items as
    a batch of training. Where a study asks for no measure, of all that need no setting; 0.0 where
    none can be taken.
    """
    if data is None or not study.task.measurable:
        return 0.0, 0
    asked = study.measure or Measured(names=measures.ready())
    fit = {
        k: one for k, one in measures.chosen(asked).items() if not measures.unfit(one.needs, data)
    }
    told = [found.seconds for found in _found(folder) if fit.keys() <= found.seconds.keys()]
    if told:
        return fmean(sum(own[name] for name in fit) for own in told), len(told)
    extent = measures.Extent(asked.max_batches, asked.batch_size)
    items = sum(
        one.evaluations
        * min(extent.items(one), len(data.train if one.subset == "train" else data.test))
        for one in fit.values()
    )
    return items / study.train.batch_size * seconds_per_evaluation, 0


def _found(folder: StudyFolder) -> list[measures.Found]:
    paths = sorted(folder.path.glob(f"runs/*/{NAME}"))
    return [found for path in paths if (found := measures.read(path.parent)) is not None]
