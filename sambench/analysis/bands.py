"""Simultaneous bands of the tuning curves: drawn once, in the study, which keeps their widths."""

from sambench import stats
from sambench.analysis.curves import curves, pairs
from sambench.analysis.evidence import Evidence
from sambench.records import Bands, Records
from sambench.seeds import derive


def bands(records: Records) -> Bands | None:
    """In standard errors; None where there is no curve. A study puts them into its header."""
    evidence = Evidence(records)
    freedom = stats.claims.freedom(evidence.size.searches)
    members = [tuned.influence for curve in curves(evidence).values() for tuned in curve.values()]
    if not members:
        return None
    apart = [
        stats.bands.difference(*(tuned.influence for tuned in pair.tuned))
        for pair in pairs(evidence)
    ]
    seed = derive(evidence.study.seed, "bands").order
    return Bands(
        curves=stats.bands.width(members, freedom, seed),
        differences=stats.bands.width(apart, freedom, seed),
    )


def kept(evidence: Evidence) -> Bands | None:
    """Those that the study drew."""
    found = evidence.header.get("bands")
    return None if found is None else Bands.model_validate(found)
