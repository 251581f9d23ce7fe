"""Entry point of the window and the command line. Imports no large library."""

from __future__ import annotations

import multiprocessing
import os
import sys

from app.waiting_threads import let_waiting_threads_sleep


def main(arguments: list[str] | None = None) -> int:
    """Run ``tuneshift`` with ``arguments``, by default ``sys.argv``; returns the exit status."""
    let_waiting_threads_sleep(os.environ)
    multiprocessing.freeze_support()  # the packaged program starts itself to convert weights
    if sys.stderr is None or sys.stdout is None:
        from app.logs import redirect_missing_streams

        redirect_missing_streams()
    from app.cli.options.command_line import parse
    from app.cli.output import OutputClosedError, configure_streams, flush_stdout
    from app.errors import TuneshiftError

    configure_streams()
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        return flush_stdout(int(options.run(options)))
    except TuneshiftError as error:
        print(f"tuneshift: {error}", file=sys.stderr)
        return 2
    except OutputClosedError as closed:
        return closed.status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
