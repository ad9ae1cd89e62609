"""From the words of a command line to words that Typer can parse.

The inputs of a formula are options that no command declares (`--W1 @w.npy`), and a formula may look like an
option (`-x**2`). So the words are sorted first, by what the command declares: a declared option keeps its
meaning, every other `--NAME VALUE` becomes `--input=NAME=VALUE`, and the word that is left is the formula.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jaccli.errors import InputError, UsageError, nearest

INPUT_OPTION = "--input"

# `--pi` is a value (minus minus pi); any other `--word` after an option is a word of its own.
_CONSTANT_NAMES = frozenset({"pi", "e", "E", "tau", "inf", "oo", "nan", "euler_gamma"})
_DOUBLE_DASH_WORD = re.compile(r"--(\w[\w-]*)(?:=.*)?", re.DOTALL)

_ATTACHED_INPUT = re.compile(r"-i\w+=(?!=)")  # -ix=3; no formula binds a name with a minus before it


class UnknownInputError(InputError):
    """A name that the formula does not have."""

    def __init__(self, name: str, names: Sequence[str], prefix: str = "") -> None:
        known = f"its inputs are {', '.join(names)}" if names else "it has no inputs"
        if len(names) == 1:
            known = f"its only input is {names[0]}"
        suggestion = nearest(name, tuple(names))
        hint = f"did you mean {suggestion}?" if suggestion else None
        super().__init__(f"{prefix}the formula has no input {_short(name)}; {known}", hint=hint)
        self.name = name


class MissingInputError(InputError):
    """Inputs of the formula that got no value."""

    def __init__(self, names: Sequence[str]) -> None:
        first = names[0]
        what = f"the input {first} has" if len(names) == 1 else f"the inputs {', '.join(names)} have"
        super().__init__(
            f"{what} no value", hint=f"give it with --{first} VALUE, as in --{first} 3 or --{first} randn:3x2"
        )
        self.names = tuple(names)


@dataclass(frozen=True)
class Declared:
    """The options of one command, by the words that call them.

    Attributes:
        names: every word (`-o`, `--output`) with the long name that it stands for.
        flags: the long names that take no value.
        repeatable: the long names that may be given more than once.
    """

    names: Mapping[str, str]
    flags: frozenset[str]
    repeatable: frozenset[str]

    @property
    def long_names(self) -> list[str]:
        """The long names without their dashes, for suggestions."""
        return [name.removeprefix("--") for name in dict.fromkeys(self.names.values()) if name.startswith("--")]

    def explain(self, error: InputError) -> None:
        """Adds what the command's options have to do with an input that is unknown or missing."""
        if isinstance(error, UnknownInputError) and error.hint is None:
            suggestion = self.suggestion(error.name)
            error.hint = f"did you mean {suggestion}?" if suggestion else None
        if isinstance(error, MissingInputError):
            taken = next((name for name in error.names if f"--{name}" in self.names), None)
            if taken is not None:
                error.hint = f"--{taken} is an option; the input of that name is given with -i {taken}=VALUE"

    def suggestion(self, name: str) -> str | None:
        """The option, as it is typed, that a mistyped `name` most likely meant."""
        found = nearest(name, self.long_names) if len(name) > 1 else None
        return None if found is None else f"--{found}"


def normalised(name: str) -> str:
    """A name as Python's grammar reads it, so that `--ﬁ` and the `fi` of a formula are one input."""
    return unicodedata.normalize("NFKC", name)


def split_pair(text: str, option: str, *, also_called: str | None = None) -> tuple[str, str]:
    """`NAME=VALUE` as name and value.

    Raises:
        UsageError: there is no `=`, or what stands before it is not a name.
    """
    name, equals, value = text.partition("=")
    name = normalised(name.strip())
    if equals and name.isidentifier():
        return name, value
    hint = None
    if also_called is not None:
        hint = f"an input that is called {also_called} is given with -i {also_called}=VALUE"
    raise UsageError(f"{option} takes NAME=VALUE, and {text!r} is not that", hint=hint)


def pairs(texts: Iterable[str], option: str, *, also_called: str | None = None) -> dict[str, str]:
    """Several `NAME=VALUE` by name.

    Raises:
        UsageError: one of them is not `NAME=VALUE`.
        InputError: a name is given twice.
    """
    result: dict[str, str] = {}
    for text in texts:
        name, value = split_pair(text, option, also_called=also_called)
        if name in result:
            what = "the input" if option == INPUT_OPTION else option
            raise InputError(f"{what} {name} is given twice: {_short(result[name])} and {_short(value)}")
        result[name] = value
    return result


def listed_names(texts: Iterable[str], option: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that lists such as `x,y` hold, each once.

    Raises:
        UsageError: a list is empty, or has a gap.
        UnknownInputError: the formula has no such input.
    """
    wanted: dict[str, None] = {}
    for text in texts:
        for name in (part.strip() for part in text.split(",")):
            if not name:
                what = "names no input" if not text.strip(" ,") else f"{text} has a gap"
                raise UsageError(f"{option} {what}", hint=f"write {option} {','.join(names) or 'x'}, or leave it out")
            if name not in names:
                raise UnknownInputError(name, names, f"{option}: ")
            wanted[name] = None
    return tuple(wanted)


@dataclass
class _Sorted:
    """What the words have been sorted into so far."""

    options: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    dynamic: dict[str, str] = field(default_factory=dict)
    last_flag: str | None = None
    after_flag: tuple[str, str] | None = None


def rewrite(words: Sequence[str], declared: Declared, *, lenient: bool = False) -> list[str]:
    """The words in a form that a plain option parser reads: options, `--`, formula.

    Args:
        words: what follows the command's name.
        declared: what the command declares.
        lenient: leave incomplete lines alone (shell completion) instead of raising.

    Raises:
        UsageError: an option is unknown, without value or given twice, or there is not exactly one formula.
        InputError: an input has no value.
    """
    sorted_words = _Sorted()
    queue = list(words)
    position = 0
    while position < len(queue):
        word = queue[position]
        following = queue[position + 1] if position + 1 < len(queue) else None
        if word == "--":
            sorted_words.formulas += queue[position + 1 :]
            break
        try:
            position += _take(word, following, sorted_words, declared)
        except (UsageError, InputError):
            if not lenient:
                raise
            position += 1
    if "--help" in sorted_words.seen:
        return ["--help"]
    if not lenient:
        _check_formulas(sorted_words, declared)
    return [*sorted_words.options, "--", *sorted_words.formulas] if sorted_words.formulas else sorted_words.options


def _take(word: str, following: str | None, so_far: _Sorted, declared: Declared) -> int:
    """Sorts one word, and the word after it where that is its value; gives how many were used."""
    name, equals, attached = word.partition("=")
    if word in declared.names or (equals and name.startswith("--") and name in declared.names):
        return _take_declared(declared.names[name], attached if equals else None, following, so_far, declared)
    if word.startswith("--"):
        return _take_input(word, following, so_far, declared)
    if _ATTACHED_INPUT.match(word) and "-i" in declared.names:
        return _take_declared(declared.names["-i"], word[2:], following, so_far, declared)
    so_far.formulas.append(word)
    if so_far.last_flag is not None:
        so_far.after_flag = (so_far.last_flag, word)
    so_far.last_flag = None
    return 1


def _take_declared(
    option: str, attached: str | None, following: str | None, so_far: _Sorted, declared: Declared
) -> int:
    so_far.last_flag = None
    if option in declared.flags:
        if attached is not None:
            raise UsageError(f"{option} takes no value", hint=_collision_hint(option, attached))
        so_far.seen.add(option)
        so_far.options.append(option)
        so_far.last_flag = option
        return 1
    if option in so_far.seen and option not in declared.repeatable:
        raise UsageError(f"{option} is given twice", hint=_collision_hint(option, "VALUE"))
    so_far.seen.add(option)
    value = _value_of(option, attached, following, declared)
    so_far.options.append(f"{option}={value}")
    return 1 if attached is not None else 2


def _take_input(word: str, following: str | None, so_far: _Sorted, declared: Declared) -> int:
    text, equals, attached = word[2:].partition("=")
    name = normalised(text)
    if not name.isidentifier():
        suggestion = declared.suggestion(text)
        hint = f"did you mean {suggestion}?" if suggestion else "a formula that begins with -- is given after a --"
        raise UsageError(f"{word} is neither an option nor an input", hint=hint)
    so_far.last_flag = None
    value = _value_of(f"--{name}", attached if equals else None, following, declared)
    so_far.options.append(f"{INPUT_OPTION}={name}={value}")
    so_far.dynamic[name] = value
    return 1 if equals else 2


def _value_of(option: str, attached: str | None, following: str | None, declared: Declared) -> str:
    if attached is not None:
        if attached == "":
            raise InputError(f"{option} has no value", hint=f"write {option}=VALUE or {option} VALUE")
        return attached
    name = option.removeprefix("--")
    suggestion = None if option in declared.names else declared.suggestion(name)
    hint = f"did you mean {suggestion}?" if suggestion else None
    if following is None:
        raise InputError(f"{option} has no value", hint=hint)
    if following in declared.names or _is_word_of_its_own(following, declared):
        what = "the option" if following.partition("=")[0] in declared.names else ""
        raise InputError(f"{option} has no value: what follows is {what} {following}".replace("  ", " "), hint=hint)
    return following


def _is_word_of_its_own(word: str, declared: Declared) -> bool:
    found = _DOUBLE_DASH_WORD.fullmatch(word)
    return found is not None and (
        f"--{found[1]}" in declared.names or (found[1].isidentifier() and found[1] not in _CONSTANT_NAMES)
    )


def _check_formulas(sorted_words: _Sorted, declared: Declared) -> None:
    if len(sorted_words.formulas) == 1:
        return
    if sorted_words.formulas:
        first, second, *_ = sorted_words.formulas
        raise UsageError(
            f"there are two formulas: {_short(first)} and {_short(second)}",
            hint=_two_formulas_hint(sorted_words, declared),
        )
    for name, value in sorted_words.dynamic.items():
        suggestion = declared.suggestion(name)
        if suggestion is not None and suggestion in declared.flags:
            raise UsageError(
                f"there is no formula: --{name} took {_short(value)} as its value",
                hint=f"did you mean {suggestion}?",
            )
    raise UsageError("there is no formula", hint="give its text in quotes, @FILE for a file, or - for standard input")


def _two_formulas_hint(sorted_words: _Sorted, declared: Declared) -> str:
    for formula in sorted_words.formulas:
        suggestion = declared.suggestion(formula.lstrip("-")) if formula.startswith("-") else None
        if suggestion is not None:
            return f"did you mean {suggestion}?"
    if sorted_words.after_flag is not None:
        flag, word = sorted_words.after_flag
        hint = _collision_hint(flag, word)
        if hint is not None:
            return f"{flag} is an option without a value; {hint}"
    return "put the formula in quotes, and give each input as --NAME VALUE"


def _collision_hint(option: str, value: str) -> str | None:
    name = option.removeprefix("--")
    if not name.isidentifier():
        return None
    return f"an input that is called {name} is given with -i {name}={_short(value)}"


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
