"""Tables as astronomers exchange them: columns with units and UCDs, written and read in five formats."""
