"""Options: typed settings that become command-line flags, keys of the run record and lines of the help.

An options class is a frozen dataclass whose fields are made by `option`:

    class NetOptions(Options):
        hidden: int = option(100, "units of the hidden layer", ge=1)

A field is an int, float, str, bool, Path or Literal, or one of these or None, or a list: `tuple[str, ...]`,
whose flag can be repeated.

Values are validated by pydantic when an instance is created. Only then is pydantic imported: that takes 0.15
s, more than everything else in `--help`.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from galaxynet.errors import OptionError, first_fault

RUN = "RUN"
"""The metavar of options that name a run."""


def option(
    default: Any,
    help: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    metavar: str = "",
) -> Any:
    """Declare a field of an `Options` class.

    Args:
        default: The default; it makes the field optional on the command line.
        help: What the option does, in a few words, with its unit.
        ge: Smallest value allowed.
        gt: Value that a number must exceed.
        le: Largest value allowed.
        lt: Value that a number must stay below.
        metavar: What `--help` shows instead of the type. With `RUN`, runs and shipped weights are completed.

    Returns:
        A dataclass field; typed as Any so that it can stand as a default of any type.
    """
    bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "bounds": {name: bound for name, bound in bounds.items() if bound is not None},
            "metavar": metavar,
        },
    )


@dataclass(frozen=True)
class OptionField:
    """An option, as the command line and the docs use it.

    Attributes:
        name: The field's name, `extra_convs`.
        type: Its type without None.
        optional: True if None is allowed.
        default: Its default.
        help: Its description.
        bounds: Any of `ge`, `gt`, `le`, `lt`.
        metavar: Shown instead of the type, or empty.
    """

    name: str
    type: Any
    optional: bool
    default: Any
    help: str
    bounds: Mapping[str, float]
    metavar: str

    @property
    def flag(self) -> str:
        """The long flag, `--extra-convs`."""
        return "--" + self.name.replace("_", "-")

    @property
    def flags(self) -> tuple[str, ...]:
        """All its flags; a switch has both `--augment` and `--no-augment`."""
        return (self.flag, f"--no-{self.flag[2:]}") if self.type is bool else (self.flag,)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The allowed values of a Literal; empty for other types."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def is_list(self) -> bool:
        """True for `tuple[str, ...]`, whose flag can be repeated."""
        return bool(self.type == tuple[str, ...])


class Options:
    """Base class of all options. Instances are immutable and always valid.

    Raises:
        OptionError: On construction, if a value does not fit its field.
    """

    if TYPE_CHECKING:
        # Every option has a default, which `option` takes by position, where type checkers do not look.
        def __init__(self, **values: Any) -> None: ...

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]
        for name, value in _validated(type(self), given).items():
            object.__setattr__(self, name, value)

    @classmethod
    def fields(cls) -> tuple[OptionField, ...]:
        """The options as declared, inherited ones first."""
        key: Any = cls  # mypy considers a class with generated methods unhashable
        return _fields(key)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Any:
        """An instance from plain values, as a run record keeps them.

        Raises:
            OptionError: If a name is unknown or a value does not fit.
        """
        unknown = sorted(set(values) - {field.name for field in cls.fields()})
        if unknown:
            raise OptionError(f"{cls.__name__} has no option {', '.join(map(repr, unknown))}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """All values as JSON types: what the run record and the checkpoint keep."""
        values = {field.name: getattr(self, field.name) for field in self.fields()}
        return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Split `T | None` into `T` and whether None was there."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


@cache
def _fields(cls: Any) -> tuple[OptionField, ...]:
    hints = get_type_hints(cls)
    fields = []
    for field in cls.__dataclass_fields__.values():
        kind, optional = _without_none(hints[field.name])
        fields.append(
            OptionField(
                name=field.name,
                type=kind,
                optional=optional,
                default=None if field.default is dataclasses.MISSING else field.default,
                help=field.metadata.get("help", ""),
                bounds=field.metadata.get("bounds", {}),
                metavar=field.metadata.get("metavar", ""),
            )
        )
    return tuple(fields)


def format_value(value: Any) -> str:
    """A value of an option as it is typed on the command line; the elements of a list with ` + ` between."""
    if value is None or value in ((), []):
        return "none"
    if isinstance(value, list | tuple):
        return " + ".join(map(format_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@cache
def _model(cls: Any) -> Any:
    from pydantic import ConfigDict, Field, create_model

    build_field: Any = Field  # its overloads do not admit bounds that are only known here
    definitions: dict[str, Any] = {
        field.name: (field.type | None if field.optional else field.type, build_field(..., **field.bounds))
        for field in cls.fields()
    }
    # allow_inf_nan is off because a NaN cannot be written to a strict JSON record.
    return create_model(cls.__name__, __config__=ConfigDict(allow_inf_nan=False), **definitions)


def _validated(cls: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError

    for field in cls.fields():
        if field.is_list and not isinstance(given[field.name], list | tuple):
            value = given[field.name]
            raise OptionError(f"{field.flag} {value}: expected a list.", f"Write: {field.name}=[{value!r}]")
    try:
        model = _model(cls).model_validate(given)
    except ValidationError as error:
        key, reason = first_fault(error)
        name = key.partition(".")[0]
        flag = "--" + name.replace("_", "-")
        raise OptionError(f"{flag} {given[name]}: {reason}.") from None
    return {name: getattr(model, name) for name in cls.__dataclass_fields__}
