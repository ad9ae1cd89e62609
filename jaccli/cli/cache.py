"""`jaccli cache`: the graphs of formulas seen before."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jaccli.cli.command import command
from jaccli.cli.options import Output
from jaccli.errors import UsageError
from jaccli.io.listing import Listing

Action = Annotated[str | None, typer.Argument(metavar="[clear]", help="clear removes what is there.")]


@command(example="jaccli cache --json")
def run(output: Output, action: Action = None) -> None:
    """The graphs of formulas seen before: where they are, how many, how large. `jaccli cache clear` removes them.

    JACCLI_CACHE=off switches the cache off, JACCLI_CACHE=DIR puts it elsewhere.
    """
    from jaccli.io.writers import deliver

    if action not in (None, "clear"):
        raise UsageError(f"the cache cannot {action}", hint="jaccli cache shows it, jaccli cache clear empties it")
    deliver(_listing(clear=action == "clear"), output.presentation())


def _listing(*, clear: bool) -> Listing:
    from jaccli.runtime.cache_folder import MOST_BYTES, CacheFolder, user_folder
    from jaccli.runtime.memory import readable_bytes

    path = user_folder()
    if path is None:
        return _shown(
            {"directory": None, "used": False, "why": "JACCLI_CACHE is off, or there is no home directory"}, []
        )
    folder = CacheFolder(path)
    refusal = folder.refusal()
    before = folder.clear() if clear and refusal is None else None
    usage = folder.usage()
    size = f"{readable_bytes(usage.size)} of at most {readable_bytes(MOST_BYTES)}"
    rows = [("directory", path), ("entries", str(usage.entries)), ("size", size)]
    fields: dict[str, Any] = {"directory": path, "used": refusal is None, "entries": usage.entries, "bytes": usage.size}
    if before is not None:
        fields["removed"] = before.entries
        rows.append(("removed", f"{before.entries} entries, {readable_bytes(before.size)}"))
    if refusal is not None:
        fields["why"] = refusal
    return _shown(fields, rows)


def _shown(fields: dict[str, Any], rows: list[tuple[str, str]]) -> Listing:
    shown = [*rows, ("not used", fields["why"])] if "why" in fields else rows
    return Listing(title="", columns=("cache", ""), rows=shown, fields={"command": "cache", **fields})
