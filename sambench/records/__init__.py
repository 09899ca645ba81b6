"""The evidence of a study: records, one per run, in a CSV file whose every line is checked."""

from sambench.records.damage import NAME as NAME
from sambench.records.damage import TESTED as TESTED
from sambench.records.damage import Damage as Damage
from sambench.records.header import Bands as Bands
from sambench.records.header import Fit as Fit
from sambench.records.reading import read as read
from sambench.records.record import FORMAT as FORMAT
from sambench.records.record import OUTCOMES as OUTCOMES
from sambench.records.record import STAGES as STAGES
from sambench.records.record import Axis as Axis
from sambench.records.record import Quantity as Quantity
from sambench.records.record import Record as Record
from sambench.records.record import curve_text as curve_text
from sambench.records.record import hyperparameters as hyperparameters
from sambench.records.record import pack as pack
from sambench.records.record import pack_numbers as pack_numbers
from sambench.records.record import unpack as unpack
from sambench.records.record import unpack_bytes as unpack_bytes
from sambench.records.record import unpack_numbers as unpack_numbers
from sambench.records.table import Records as Records
from sambench.records.table import as_records as as_records
from sambench.records.table import quantities as quantities
from sambench.records.writing import check as check
from sambench.records.writing import write as write
from sambench.scores import Score as Score
