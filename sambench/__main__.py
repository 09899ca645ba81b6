"""`python -m sambench`"""

from sambench.cli import main

main()
