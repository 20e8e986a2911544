"""The record of a run before its first step: everything that is known once data and network are there."""

from __future__ import annotations

from collections.abc import Sequence

from galaxynet.data.module import DataModule
from galaxynet.data.splits import digest_test_set
from galaxynet.registry import Plugin
from galaxynet.runs import (
    MajorityClass,
    OptionValues,
    PluginId,
    ReferenceValue,
    RunRecord,
    describe_environment,
)
from galaxynet.tasks import Task
from galaxynet.training.config import Plan
from galaxynet.training.hardware import Hardware


def build_record(
    plan: Plan, data: DataModule, network: Task, hardware: Hardware, command: Sequence[str]
) -> RunRecord:
    """A record with the status `running`.

    Args:
        plan: What is to be trained.
        data: The data module, set up.
        network: The network.
        hardware: What it runs on.
        command: The words of the call.
    """
    metric = f"test/{network.metric}"
    # The most frequent class says something of a network that names classes, and of no other.
    baseline = data.baseline if network.task == "classification" else None
    return RunRecord(
        name=plan.name,
        sweep=plan.sweep,
        task=network.task,
        metric=metric,
        higher_is_better=network.higher_is_better,
        model=_plugin_id(plan.model),
        dataset=_plugin_id(plan.dataset),
        options=OptionValues(**plan.option_sets()),
        command=list(command),
        seed=plan.training.seed,
        parameters=sum(p.numel() for p in network.network.parameters() if p.requires_grad),
        classes=list(data.info.classes),
        splits=dict(data.sizes),
        test_set=digest_test_set(data.test_ids, data.test_labels),
        data=dict(data.summary),
        preprocessing={} if data.preprocessing is None else data.preprocessing.to_dict(),
        baseline=None
        if baseline is None
        else MajorityClass(label=baseline.label, accuracy=baseline.accuracy, samples=baseline.samples),
        reference=reference_for(plan, metric, data.info.classes),
        environment=describe_environment((plan.model.distribution, plan.dataset.distribution)),
        device=hardware.name,
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        precision=hardware.precision,
    )


def _plugin_id(plugin: Plugin) -> PluginId:
    return PluginId(name=plugin.name, distribution=plugin.distribution, version=plugin.version)


def reference_for(plan: Plan, metric: str, classes: Sequence[str] = ()) -> ReferenceValue | None:
    """The published figure for these options, on the data that it was measured on.

    That of the metric by which runs are compared, or the first one that was published.
    """
    values = plan.options()
    for reference in plan.model_spec.references:
        applies = (
            plan.dataset.name in (reference.datasets or (plan.model_spec.dataset,))
            and tuple(classes) == (reference.classes or tuple(classes))
            and all(values.get(name) == wanted for name, wanted in reference.options.items())
        )
        if applies and reference.metrics:
            chosen = metric if metric in reference.metrics else next(iter(reference.metrics))
            return ReferenceValue(metric=chosen, value=reference.metrics[chosen], source=reference.source)
    return None
