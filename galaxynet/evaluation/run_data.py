"""The data that a run was trained and tested on, opened again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet import registry
from galaxynet.data.splits import digest_test_set
from galaxynet.errors import DataError, GalaxynetError, PluginError
from galaxynet.images.preprocessing import Preprocessing

if TYPE_CHECKING:
    from galaxynet.data.module import DataModule
    from galaxynet.runs import Run


def open_data(run: Run, data_dir: Path) -> DataModule:
    """The data module of a run's dataset, with the options of its record, set up.

    Raises:
        GalaxynetError: If the plugin is missing or broken, or the data are missing or have changed.
    """
    record = run.record
    name = registry.recorded("dataset", record.dataset)
    if not any(name in (plugin.name, plugin.qualified) for plugin in registry.plugins("dataset")):
        origin = f"{record.dataset.distribution} {record.dataset.version}".strip()
        raise PluginError(
            f"The dataset {record.dataset.name} is not installed"
            + (f": it came with {origin}." if origin else "."),
            "Install it.",
        )
    plugin = registry.find("dataset", name)
    spec = plugin.load()
    data_class = registry.resolve_for(plugin, spec.module)
    known = {field.name for field in spec.options.fields()}
    values = {option: value for option, value in record.options.dataset.items() if option in known}
    try:
        data: DataModule = data_class(
            spec.options.from_dict(values),
            data_dir=data_dir,
            validation=record.options.training.get("validation", 0.1),
            seed=record.seed,
        )
        if record.weights is not None and record.preprocessing:
            data.pretrained = Preprocessing.from_dict(record.preprocessing)
        data.prepare_data()
        data.setup("fit")
        tested = list(data.test_ids), list(data.test_labels)
    except GalaxynetError:
        raise
    except Exception as error:  # a third-party dataset may raise anything
        raise PluginError(
            f"The dataset {plugin.name} of {plugin.distribution} {plugin.version} cannot be opened: "
            f"{type(error).__name__}: {error}.",
            plugin.remove_hint(),
        ) from error
    if record.test_set and digest_test_set(*tested) != record.test_set:
        raise DataError(
            f"The data of {record.dataset.name} in {data_dir} differ from the test data of {run.label}.",
            "Set their folder with --data-dir.",
        )
    return data
