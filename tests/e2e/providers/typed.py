"""Holds a JSON value against the TypedDicts that a vendor's own SDK publishes for its requests."""
import collections.abc
import functools
import types
import typing

import typing_extensions

WRAPPERS = (typing.Required, typing.NotRequired, typing_extensions.Required,
            typing_extensions.NotRequired)
LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
UNIONS = (typing.Union, types.UnionType)
TAGS = ("type", "role")


def problems(value, wanted, where="body"):
    """What is wrong, one text each: unknown members, missing ones, wrong types, unknown words."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in WRAPPERS or origin in (typing.Annotated, typing_extensions.Annotated):
        return problems(value, arguments[0], where)
    if wanted in (object, typing.Any):
        return []
    if wanted is None or wanted is type(None):
        return [] if value is None else [f"{where}: null was expected"]
    if origin in UNIONS:
        return _of_union(value, arguments, where)
    if origin in (typing.Literal, typing_extensions.Literal):
        return [] if value in arguments else [f"{where}: {value!r} is none of {list(arguments)}"]
    if typing_extensions.is_typeddict(wanted):
        return _of_members(value, wanted, where)
    if origin in (dict, collections.abc.Mapping) or wanted is dict:
        return [] if isinstance(value, dict) else [f"{where}: an object was expected"]
    if origin in LISTS or _is_sequence_protocol(origin):
        if not isinstance(value, list):
            return [f"{where}: an array was expected"]
        return [bad for i, item in enumerate(value)
                for bad in problems(item, arguments[0], f"{where}[{i}]")]
    return _of_scalar(value, wanted, where)


def _is_sequence_protocol(origin):
    return getattr(origin, "__name__", "") == "SequenceNotStr"


def _of_scalar(value, wanted, where):
    if wanted is float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif wanted is int:
        good = isinstance(value, int) and not isinstance(value, bool)
    elif wanted in (str, bool):
        good = isinstance(value, wanted)
    else:  # a file, a date: nothing that JSON has a type for
        good = isinstance(value, str)
    return [] if good else [f"{where}: {getattr(wanted, '__name__', wanted)} was expected"]


def _of_union(value, alternatives, where):
    """Of the alternative with the value's own tag where there is one, else of the nearest."""
    found = [(problems(value, one, where), one) for one in alternatives]
    if any(not bad for bad, _ in found):
        return []
    tagged = [bad for bad, one in found if _has_tag_of(value, one)]
    return min(tagged or [bad for bad, _ in found], key=len)


def _has_tag_of(value, alternative):
    if not isinstance(value, dict) or not typing_extensions.is_typeddict(alternative):
        return False
    known = hints(alternative)
    return any(tag in known and tag in value and not problems(value[tag], known[tag])
               for tag in TAGS)


@functools.cache
def hints(kind):
    """The members of a TypedDict with their types."""
    return typing_extensions.get_type_hints(kind, include_extras=True)


def _of_members(value, kind, where):
    if not isinstance(value, dict):
        return [f"{where}: an object was expected"]
    known = hints(kind)
    found = [f"{where}.{name}: unknown member" for name in value if name not in known]
    found += [f"{where}.{name}: missing" for name, hint in known.items()
              if _is_required(name, hint, kind) and name not in value]
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], f"{where}.{name}")
    return found


def _is_required(name, hint, kind):
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing_extensions.Required):
        return True
    if origin in (typing.NotRequired, typing_extensions.NotRequired):
        return False
    return name in kind.__required_keys__
