"""`python -m sambench`"""

from sambench.cli.commands import main

main()
