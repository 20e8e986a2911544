"""Getting the files of a dataset: from Kaggle, over https, out of a folder, or from a simulator.

A dataset declares its files and its sources (`galaxynet.sources`), and gets all of this for it: downloads
that go on where they stopped, checks before a file gets its final name, and a receipt of what lies where.
The one entrance is `galaxynet.fetching.fetch.fetch`.
"""
