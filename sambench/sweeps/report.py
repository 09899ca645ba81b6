"""A dashboard as the report that W&B makes of it, by wandb-workspaces."""

from typing import TYPE_CHECKING

import wandb_workspaces.reports.v2 as wr

from sambench.sweeps.dashboard import Curves, Dashboard, Importance, Panel, Parallel, Scatter

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2.interface import BlockTypes, PanelTypes

LOG = ("config.lr", "config.rho")
"""What runs are compared by on a log scale."""


def report(dashboard: Dashboard, entity: str) -> wr.Report:
    return wr.Report(
        project=dashboard.project,
        entity=entity,
        title=dashboard.title,
        description=dashboard.headline,
        blocks=_blocks(dashboard, entity),
        width="fluid",
    )


def _blocks(dashboard: Dashboard, entity: str) -> "list[BlockTypes]":
    made: list[BlockTypes] = [
        wr.P(text=dashboard.headline),
        wr.H1(text="Leaderboard"),
        wr.MarkdownBlock(text=dashboard.leaderboard),
    ]
    for section in dashboard.sections:
        runset = wr.Runset(
            entity=entity,
            project=dashboard.project,
            name=section.title,
            filters=f"Metric('Group') in {section.groups!r} "
            f"and Metric('JobType') in {section.stages!r}",
        )
        panels = [_panel(panel, place) for place, panel in enumerate(section.panels)]
        made += [wr.H1(text=section.title), wr.PanelGrid(runsets=[runset], panels=panels)]
    return made


def _panel(panel: Panel, place: int) -> "PanelTypes":
    layout = wr.Layout(x=12 * (place % 2), y=9 * (place // 2), w=12, h=9)
    match panel:
        case Scatter():
            return wr.ScatterPlot(
                title=panel.title,
                x=_metric(panel.x),
                y=_metric(panel.y),
                z=_metric(panel.z),
                log_x=panel.x in LOG or None,
                log_y=panel.y in LOG or None,
                layout=layout,
            )
        case Parallel():
            columns = [
                wr.ParallelCoordinatesPlotColumn(_metric(name), log=name in LOG or None)
                for name in panel.columns
            ]
            return wr.ParallelCoordinatesPlot(title=panel.title, columns=columns, layout=layout)
        case Importance():
            return wr.ParameterImportancePlot(with_respect_to=panel.of, layout=layout)
        case Curves():
            return wr.LinePlot(
                title=panel.title,
                x="epoch",
                y=[panel.y],
                groupby=wr.Config("variant"),
                groupby_aggfunc="mean",
                groupby_rangefunc="minmax",
                layout=layout,
            )


def _metric(name: str) -> wr.Config | wr.SummaryMetric:
    where, _, key = name.partition(".")
    return wr.Config(key) if where == "config" else wr.SummaryMetric(key)
