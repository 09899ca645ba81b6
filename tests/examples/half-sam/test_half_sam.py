"""What every variant must do, from the suite that `variants` ships; needs the package installed."""

from variants.testing import VariantConformance


class TestHalfSAM(VariantConformance):
    name = "half_sam"
