"""Read a YAML file as nested tables of texts, with a line for each mistake; for files written by people.

Every scalar is a text: what it means is decided by who asks for it, not by YAML's guesses (``no`` is no
boolean here, ``1_000`` no number). Nothing is ever constructed from tags. Needs PyYAML, so that only who
serves with such a file imports this.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

import yaml

from genotel.errors import SettingsError

# Certificates that are written into the file included; more is no configuration.
MAX_BYTES = 256 * 1024
# A file that is wrong throughout is told of in one line that can still be read.
MAX_MISTAKES = 20

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "false": False}
_PLAIN_KEY = re.compile(r"[\w.-]{1,60}")
# What the parser quotes may be a piece of a secret, except for its own names of tokens and for single signs.
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_MAX_SHOWN = 60


class Mistakes:
    """Collect what is wrong with one file, to be refused at once.

    Example:
        >>> mistakes = Mistakes("web.yml")
        >>> mistakes.add("tls_server_config.min_version", "is no version", line=3)
        >>> mistakes.refuse()
        Traceback (most recent call last):
        genotel.errors.SettingsError: web.yml:3: tls_server_config.min_version: is no version
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, key: str, says: str, *, line: int | None = None) -> None:
        """Note one mistake; ``says`` never repeats a secret."""
        place = self._file if line is None else f"{self._file}:{line}"
        text = f"{place}: {key}: {says}" if key else f"{place}: {says}"
        # A path may have any sign in it, a line's end among them.
        self._texts.append("".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text))

    def refuse(self) -> None:
        """Raise what was noted, in one line; do nothing where nothing was.

        Raises:
            SettingsError: there is a mistake.
        """
        if self._texts:
            more = len(self._texts) - MAX_MISTAKES
            raise SettingsError(
                "; ".join(self._texts[:MAX_MISTAKES] + ([f"and {more} more mistakes"] if more > 0 else []))
            )


class Table:
    """Give a mapping's values by key; a key that nobody asks for is a mistake.

    What is empty or null counts as absent, as it does for Prometheus' own programs.
    """

    def __init__(self, name: str, node: yaml.Node | None, mistakes: Mistakes) -> None:
        self.name = name
        self._line = None if node is None else node.start_mark.line + 1
        self._mistakes = mistakes
        self._values: dict[str, yaml.Node] = {}
        self._asked: set[str] = set()
        if node is None or _is_nothing(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self.wrong("", "expected a table of keys and values")
            return
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                mistakes.add(name, "has a key that is no text", line=line)
            elif key.value in self._values:
                mistakes.add(self._path(key.value), "is there twice", line=line)
            else:
                self._values[key.value] = value

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys, of a table whose keys are the user's own."""
        return tuple(self._values)

    def wrong(self, key: str, says: str, *, hidden: bool = False) -> None:
        """Note that the value of a key, or with an empty one the whole table, is a mistake.

        Args:
            key: the key.
            says: what is wrong.
            hidden: whether an odd key may be a secret that slipped there, and is not repeated.
        """
        node = self._values.get(key)
        line = self._line if node is None else node.start_mark.line + 1
        shows = key and not (hidden and not _PLAIN_KEY.fullmatch(key))
        self._mistakes.add(self._path(key) if shows else self.name, says, line=line)

    def text(self, key: str) -> str | None:
        """Return a text, or None where there is none."""
        node = self._ask(key)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(key, "expected a text")
            return None
        return str(node.value)

    def boolean(self, key: str) -> bool | None:
        """Return a boolean, or None where there is none."""
        found = self.text(key)
        if found is not None and found not in _BOOLEANS:
            self.wrong(key, f"is {shown(found)}: expected true or false")
        return None if found is None else _BOOLEANS.get(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where there is none."""
        node = self._ask(key)
        if node is None:
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if items == [node] or any(not isinstance(item, yaml.ScalarNode) or _is_nothing(item) for item in items):
            self.wrong(key, "expected a list of texts")
            return ()
        return tuple(str(item.value) for item in items)

    def table(self, key: str) -> Table:
        """Return a table inside this one; an empty one where there is none."""
        return Table(self._path(key), self._ask(key), self._mistakes)

    def refuse_the_rest(self) -> None:
        """Note every key that nobody has asked for."""
        for key in self._values:
            if key not in self._asked:
                self.wrong(key, "unknown key")

    def _ask(self, key: str) -> yaml.Node | None:
        self._asked.add(key)
        node = self._values.get(key)
        return None if node is None or _is_nothing(node) else node

    def _path(self, key: str) -> str:
        key = key if _PLAIN_KEY.fullmatch(key) else shown(key)
        return f"{self.name}.{key}" if self.name else key


def read_table(path: Path, mistakes: Mistakes) -> Table:
    """Return the top of a YAML file; what cannot be read is a mistake and an empty table."""
    try:
        text = read_file(path).decode("utf-8")
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except OSError as error:
        mistakes.add("", f"cannot be read: {error.strerror or error}")
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        mistakes.add("", f"is not YAML: {_QUOTED.sub(_unquoted, error.problem or 'it cannot be parsed')}", line=line)
    except (yaml.YAMLError, UnicodeDecodeError):
        mistakes.add("", "is not YAML: it has bytes or signs that are not allowed in a text")
    except RecursionError:
        mistakes.add("", "is nested deeper than any configuration")
    else:
        return Table("", node, mistakes)
    return Table("", None, mistakes)


def read_file(path: Path) -> bytes:
    """Return the bytes of a regular file of at most MAX_BYTES: a pipe or a device could keep us waiting.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError("it is not a regular file")
    if about.st_size > MAX_BYTES:
        raise OSError(f"it is larger than {MAX_BYTES // 1024} KiB")
    return path.read_bytes()


def shown(text: str) -> str:
    """Return a text for a message: quoted, on one line, cut short.

    Example:
        >>> shown("two\\nlines")
        "'two\\\\nlines'"
    """
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def _unquoted(match: re.Match[str]) -> str:
    inside = match[1] or match[2] or ""
    return match[0] if inside.startswith("<") or len(inside) <= 2 else "…"


def _is_nothing(node: yaml.Node) -> bool:
    """Return whether a value is empty or null; what stands in quotes is a text, however it looks."""
    return isinstance(node, yaml.ScalarNode) and (node.value == "" or (node.style is None and node.value in _NOTHING))
