"""Chooses between the window and the command line. Nothing heavy is imported here."""

from __future__ import annotations

import multiprocessing
import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run ``tuneshift`` with ``arguments``, by default the process's; returns the exit status."""
    # Threads of torch that wait for each other must not burn the processor while they do: where
    # another program runs as well, that makes decoding many times slower. Read when torch starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    multiprocessing.freeze_support()  # the packaged program starts itself for a conversion
    if sys.stderr is None or sys.stdout is None:
        from app.logs import redirect_missing_streams

        redirect_missing_streams()
    from app.cli.options.command_line import parse
    from app.cli.output import settle, take_every_character
    from app.errors import TuneshiftError

    take_every_character()
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        return settle(int(options.run(options)))
    except TuneshiftError as error:
        print(f"tuneshift: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
