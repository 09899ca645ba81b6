"""Environments of gymnasium by their id, as far as the policies here can play them."""

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sambench.errors import UserError, echo, nearest, said

if TYPE_CHECKING:
    from gymnasium import Env, Space
    from stable_baselines3.common.vec_env import VecEnv


def check(name: str) -> None:
    """UserError for an environment that is not there, or that no policy here can play."""
    made = _made(name)
    try:
        _check_spaces(name, made.observation_space, made.action_space)
    finally:
        made.close()


def vector(name: str, num: int) -> "VecEnv":
    """So many of them in this process, each of which starts anew where an episode ends."""
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    return DummyVecEnv([lambda: Monitor(_make(name))] * num)


def told(name: str) -> str:
    """What gymnasium knows of it: code, arguments, how long an episode is; versions by its id."""
    spec = _registry(name)[name]
    entry = spec.entry_point
    code = entry if isinstance(entry, str) else f"{entry.__module__}.{entry.__qualname__}"
    return repr((name, code, sorted(spec.kwargs.items()), spec.max_episode_steps))


def _registry(name: str) -> Mapping[str, Any]:
    """Of gymnasium; UserError if it lacks the environment."""
    try:
        import gymnasium
        import stable_baselines3  # noqa: F401
    except ImportError as error:
        raise UserError(
            f'task.kind: "rl" needs {error.name}, which is not installed: '
            "pip install 'sambench[rl]'"
        ) from None
    if name not in gymnasium.registry:
        hint = _hint(name, gymnasium.registry)
        raise UserError(f"task.dataset: gymnasium has no environment {echo(name)}, {hint}")
    return gymnasium.registry


def _hint(name: str, known: Iterable[str]) -> str:
    """What to do about a name that is not `known`: another, or the package that brings it."""
    brought_by, slash, _ = name.rpartition("/")
    if slash and brought_by not in {other.rpartition("/")[0] for other in known}:
        whose = echo(f"{brought_by}/")
        return f"and none of {whose}: install their package, and import it in a file of --import"
    return nearest(name, known)


def _make(name: str) -> "Env":
    import gymnasium

    with warnings.catch_warnings():
        # Box2D warns as it is imported, and Python dies where a warning is made an error there
        warnings.simplefilter("ignore", DeprecationWarning)
        return gymnasium.make(name)


def _made(name: str) -> "Env":
    _registry(name)
    import gymnasium

    try:
        return _make(name)
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(
            f"task.dataset: {name} needs what is not installed: {said(error)}"
        ) from None
    except Exception as error:
        raise UserError(f"task.dataset: {name} cannot be made: {said(error)}") from None


def _check_spaces(name: str, observations: "Space", actions: "Space") -> None:
    from gymnasium import spaces

    plain = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    if not isinstance(observations, plain) or len(observations.shape or ()) > 1:
        rule = "and the policies here take vectors and numbers"
        raise UserError(f"task.dataset: {name} shows {_words(observations)}, {rule}")
    if not isinstance(actions, plain):
        rule = "and the policies here give vectors and numbers"
        raise UserError(f"task.dataset: {name} takes {_words(actions)}, {rule}")
    if isinstance(actions, spaces.Box) and not actions.is_bounded():
        raise UserError(f"task.dataset: {name} takes actions without bounds, which PPO cannot draw")


def _words(space: "Space") -> str:
    shape = f" {space.shape}" if space.shape else ""
    return f"{type(space).__name__}{shape}"
