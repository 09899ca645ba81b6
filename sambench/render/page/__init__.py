"""A study's page, whatever its format: the answer, the evidence, its limits, how it was made."""

from sambench.analysis import PublishedStudy
from sambench.render import damage_report
from sambench.render.page import answer as answer
from sambench.render.page.evidence import parts
from sambench.render.page.part import Page as Page
from sambench.render.page.part import Part as Part
from sambench.render.page.part import Term as Term


def of(study: PublishedStudy) -> Page:
    """What a study has to say."""
    leaderboard = study.leaderboard
    return Page(
        study=leaderboard.study,
        question=leaderboard.question,
        headline=leaderboard.headline,
        answer=answer.answer(leaderboard),
        damage=damage_report.summary(leaderboard, study.path.name),
        damages=damage_report.listed(leaderboard),
        warnings=leaderboard.warnings,
        parts=parts(study),
    )
