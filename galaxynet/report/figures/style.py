"""The style of figures: colours safe for colour-blind readers, little ink, labels instead of codes.

The line colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008), without their yellow,
which is too pale for a line on white.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from galaxynet.terminal import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444")
DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.5, 1, 1.5)))
INK = "#1f2933"
FAINT = "#6b7680"
GRID = "#e4e7eb"

_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.8,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    # A run may be called `$x$`: names are not parsed as math.
    "text.parse_math": False,
    # Text in an SVG stays text: it can be searched, and the file is small.
    "svg.fonttype": "none",
    "svg.hashsalt": "galaxynet",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save with our settings, whatever the caller's matplotlibrc says."""
    import matplotlib
    from matplotlib import rc_context

    with rc_context(), warnings.catch_warnings():
        # Names may have letters that the font lacks, or be too long for the layout.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure outside pyplot; sizes in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=160, facecolor="white", layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.08, wspace=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def legible(text: str, max_length: int = 200) -> str:
    """An untrusted text for a figure: printable, at most two lines, and shortened."""
    lines = [line.replace("\t", " ").strip() for line in printable(text).strip().split("\n")[:2]]
    return "\n".join(line if len(line) <= max_length else f"{line[:max_length]}…" for line in lines)


def make_legible(figure: Figure) -> None:
    """Make every text of a figure legible, except tick labels, which are created when it is drawn."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(legible(text.get_text()))


def plain_axes(axes: Axes) -> None:
    """Two spines and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=3, width=0.8)


def percent_ticks(axes: Axes) -> None:
    """Show the values of the vertical axis in per cent."""
    axes.yaxis.set_major_formatter(lambda share, _: f"{round(100 * share, 6):g}%")


def level(axes: Axes, height: float) -> Line2D:
    """A dashed line across the axes, such as what the majority class scores."""
    return axes.axhline(height, color=FAINT, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)


def remark(
    axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float], **look: Any
) -> None:
    """A small grey text beside a point.

    Args:
        axes: The axes.
        text: The text.
        point: Where it belongs.
        offset: Its distance from there, in points.
        **look: Further arguments of `Axes.annotate`.
    """
    look = {"fontsize": 8, "color": FAINT, **look}
    axes.annotate(text, point, xytext=offset, textcoords="offset points", **look)


def heading(figure: Figure, title: str, subtitle: str = "") -> None:
    """A bold title at the left, and a grey line below the figure."""
    figure.suptitle(title, x=0.012, ha="left", fontsize=12, fontweight="bold", color=INK)
    if subtitle:
        figure.supxlabel(subtitle, x=0.012, ha="left", fontsize=9, color=FAINT)
