"""What each measure brings that makes a training step of galaxy_alexnet quick on a CPU.

Bare PyTorch loops, each with one more of the measures, take turns on the same batches.

    python -m benchmarks.bench_network [--rounds 15] [--json]
"""

from __future__ import annotations

import statistics

from benchmarks.interleaved import BATCH, Rival, alexnet, bare_loop, measure
from benchmarks.measure import Report, busy, parser, ratio

PLAIN = "PyTorch's defaults"


def loops(extra_convs: int) -> dict[str, Rival]:
    network = alexnet(extra_convs)
    return {
        PLAIN: bare_loop(network, ordinary_convolutions=True, channels_last=False, fused=False),
        "+ channels last": bare_loop(network, ordinary_convolutions=True, fused=False),
        "+ fused Adam": bare_loop(network, ordinary_convolutions=True),
        "+ Winograd's convolution": bare_loop(network),
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=15, help="epochs that count (15)")
    arguments.add_argument("--samples", type=int, default=320, help="images in an epoch (320)")
    given = arguments.parse_args()
    report = Report(
        "A training step of galaxy_alexnet",
        f"Batches of {BATCH}, one measure after the other; median of {given.rounds} rounds in turn.",
        notes=busy(),
    )
    for extra_convs in (0, 3):
        result = measure(alexnet(extra_convs), loops(extra_convs), samples=given.samples, rounds=given.rounds)
        for name in loops(extra_convs):
            rates, network = result.rates[name], f"{extra_convs} extra convolutions"
            report.add(f"{name}, {network}", statistics.median(rates), "samples/s")
            if name != PLAIN:
                report.add(f"{name} / {PLAIN}, {network}", ratio(rates, result.rates[PLAIN]))
    report.emit(given.json)


if __name__ == "__main__":
    main()
