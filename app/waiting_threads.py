"""How threads of OpenMP wait for each other, in torch and in llama.cpp. Imports no large library.

Both compute with the same threads of libgomp, which meet after every operation. Threads that only
sleep must be woken each time, which takes longer than most operations of a small model. Threads
that spin until they may go on are many times slower beside another busy program. Here they spin for
some 0.05 ms and then sleep; idle ones take no time from anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

_POLICY = "OMP_WAIT_POLICY"
_COUNT = "GOMP_SPINCOUNT"
_SPINS = "1000"


def let_waiting_threads_sleep(environment: MutableMapping[str, str]) -> None:
    """Set the variables of ``environment``, unless the person has chosen a policy.

    It must be called before torch or llama.cpp is imported.
    """
    if _POLICY not in environment:
        environment[_POLICY] = "PASSIVE"
        environment.setdefault(_COUNT, _SPINS)


def waiting_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that say how threads wait, to show with a command."""
    return {name: environment[name] for name in (_POLICY, _COUNT) if name in environment}
