# SPDX-License-Identifier: Apache-2.0
"""``penstock``: finds the command, and turns what goes wrong into one line and an exit status.

Exit status: 0 done, also when interrupted or when the reader of the output went away; 1 the input
was cut or a destination failed; 2 the operator asked for something that cannot be.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from penstock.errors import ConfigError, PenstockError
from penstock.naming import nearest, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits."""
    _stand_in_for_closed()
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = _tell_version() if given == ["--version"] else _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        _forget_output()
        status = 0
    except OSError as error:
        if error.filename is not None:
            raise
        _forget_output()
        complain(f"standard output: {error.strerror}")
        status = 1
    sys.exit(status)


def complain(problem: str) -> None:
    """Says what is wrong, a line each, on standard error."""
    for line in problem.splitlines():
        print(f"penstock: {line}", file=sys.stderr)


def _tell_version() -> int:
    # Before anything heavy is imported: scripts ask for this often.
    from penstock import _core  # noqa: PLC0415

    print(f"penstock {_core.__version__}")
    return 0


def _stand_in_for_closed() -> None:
    """Something to print to where the shell closed a stream, so that no file takes its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _forget_output() -> None:
    """Lets go of what cannot be printed: Python would complain again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(given: list[str]) -> int:
    import typer  # noqa: PLC0415 -- see main

    from penstock.cli.application import application  # noqa: PLC0415

    command = typer.main.get_command(application())
    try:
        answer = command.main(given, prog_name="penstock", standalone_mode=False)
    except ConfigError as error:
        complain(str(error))
        return 2
    except PenstockError as error:
        complain(str(error))
        return 1
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort:
        return 130
    except Exception as error:
        # Typer has a copy of click's exceptions in some releases and click's own in others, and
        # exports neither; both say their piece by this method.
        if not hasattr(error, "format_message"):
            raise
        message = _usage(error)
        if message:
            complain(message)
        return 2
    return answer if isinstance(answer, int) else 0


def _usage(error: Exception) -> str:
    """One line for a command line that cannot be read."""
    context = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if option is not None and context is not None:
        known = [name for one in context.command.params for name in one.opts if name[:2] == "--"]
        if type(error).__name__ == "NoSuchOption":
            guess = nearest(option, known)
            return f"unknown option {option}" + (f"; did you mean {guess}?" if guess else "")
    message = str(getattr(error, "format_message", lambda: error)())
    if message.startswith("No such command"):
        name = message.split("'")[1]
        return unknown("command", name, sorted(context.command.commands) if context else [])
    return message[:1].lower() + message[1:].rstrip(".")
