"""How the parts of a spec check their own fields."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

from aimcsim.errors import ConfigError


def refuse(owner: object, name: str, wanted: str) -> ConfigError:
    """Return the error for field `name` of the spec `owner`, which must be `wanted`."""
    return ConfigError(f"{type(owner).__name__}.{name}: must be {wanted} (got {getattr(owner, name)!r})")


def check_number(owner: object, name: str, low: float, high: float) -> None:
    """Refuse a field that is not a number in [low, high], or not an integer where both limits are integers.

    Raises
    ------
    ConfigError    Naming the spec and its field.
    """
    value: Any = getattr(owner, name)
    whole = isinstance(low, int) and isinstance(high, int)
    right = isinstance(value, int) and not isinstance(value, bool)
    right = right or (not whole and isinstance(value, float))
    if not right or not low <= value <= high:
        kind = "an integer" if whole else "a number"
        raise refuse(owner, name, f"{kind} from {low:g} to {high:g}")


def check_choices(owner: object) -> None:
    """Refuse a value that the `Literal` of its field does not list, or that is no truth value where one is due.

    Raises
    ------
    ConfigError    Naming the spec and its field.
    """
    for name, hint in get_type_hints(type(owner)).items():
        value, choices = getattr(owner, name), get_args(hint)
        if hint is bool and not isinstance(value, bool):
            raise refuse(owner, name, "True or False")
        if choices and all(isinstance(choice, str) for choice in choices) and value not in choices:
            raise refuse(owner, name, f"one of {', '.join(choices)}")
