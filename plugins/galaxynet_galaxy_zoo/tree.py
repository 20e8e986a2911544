"""The questions of Galaxy Zoo 2 as a tree that networks for vote fractions are built for.

The names of the answers are those of the Galaxy Zoo 2 catalogue (Willett et al. 2013, MNRAS 435, 2835),
where a fraction is the share of those who were asked the question.
"""

from __future__ import annotations

from galaxynet.plugin import VoteAnswer, VoteClass, VoteQuestion, VoteTree
from galaxynet_galaxy_zoo.votes import QUESTIONS

MORPHOLOGY = (
    VoteClass("completely_round_smooth", {"Class1.1": 0.469, "Class7.1": 0.5}),
    VoteClass("in_between_smooth", {"Class1.1": 0.469, "Class7.2": 0.5}),
    VoteClass("cigar_shaped_smooth", {"Class1.1": 0.469, "Class7.3": 0.5}),
    VoteClass("edge_on", {"Class1.2": 0.430, "Class2.1": 0.602}),
    VoteClass("spiral", {"Class1.2": 0.430, "Class2.2": 0.715, "Class4.1": 0.619}),
)
"""The five clean samples of Zhu et al., arXiv:1807.10406, table 1."""

_CATALOGUE = (
    ("t01_smooth_or_features", ("a01_smooth", "a02_features_or_disk", "a03_star_or_artifact")),
    ("t02_edgeon", ("a04_yes", "a05_no")),
    ("t03_bar", ("a06_bar", "a07_no_bar")),
    ("t04_spiral", ("a08_spiral", "a09_no_spiral")),
    ("t05_bulge_prominence", ("a10_no_bulge", "a11_just_noticeable", "a12_obvious", "a13_dominant")),
    ("t06_odd", ("a14_yes", "a15_no")),
    ("t07_rounded", ("a16_completely_round", "a17_in_between", "a18_cigar_shaped")),
    (
        "t08_odd_feature",
        (
            *("a19_ring", "a20_lens_or_arc", "a21_disturbed", "a22_irregular", "a23_other", "a24_merger"),
            "a38_dust_lane",
        ),
    ),
    ("t09_bulge_shape", ("a25_rounded", "a26_boxy", "a27_no_bulge")),
    ("t10_arms_winding", ("a28_tight", "a29_medium", "a30_loose")),
    ("t11_arms_number", ("a31_1", "a32_2", "a33_3", "a34_4", "a36_more_than_4", "a37_cant_tell")),
)

TREE = VoteTree(
    tuple(
        VoteQuestion(
            name=task.partition("_")[2],
            answers=tuple(
                VoteAnswer(answer.column, answer.text, f"{task}_{name}_fraction")
                for answer, name in zip(question.answers, names, strict=True)
            ),
            asked_of=question.asked_of,
            text=question.text,
        )
        for question, (task, names) in zip(QUESTIONS, _CATALOGUE, strict=True)
    ),
    {"morphology5": MORPHOLOGY},
)
"""The eleven questions ordered as the competition's 37 columns."""
