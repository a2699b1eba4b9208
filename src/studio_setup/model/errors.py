"""What can go wrong, told apart by what the operator should do about it.

Each class has a code of `outcomes.py`, and with it the outcome and the remedy. No message ever holds the presigned
URL, a cookie or a token: messages are built from names and numbers, never from a library's exception text. What they
quote from outside is printable, on one line and of bounded length, whoever raises them.
"""

from __future__ import annotations

import copyreg
from typing import ClassVar

from studio_setup.model import outcomes
from studio_setup.model.outcomes import Code
from studio_setup.model.text import one_line

MAX_MESSAGE_CHARACTERS = 2000


class SetupError(Exception):
    """The setup could not be carried out; `str()` says what happened and what to do. Raised as a subclass only."""

    code: ClassVar[Code]

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message, MAX_MESSAGE_CHARACTERS))

    @property
    def message(self) -> str:
        """What happened, without the remedy: for a log line or another message that has it in the middle."""
        return super().__str__()

    def __str__(self) -> str:
        """What happened, then the remedy."""
        return f"{self.message} {self.code.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        """How it is copied and pickled: as it is, for what subclasses are made of is not their message."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class BadInput(SetupError):
    """A command, a script, a name or a setting is not valid; the message names the value and the remedy."""

    code = outcomes.BAD_INPUT


class SsoDomain(SetupError):
    """The domain signs its users in through IAM Identity Center."""

    code = outcomes.SSO_DOMAIN


class SpaceWithoutOwner(SetupError):
    """Nobody owns the space, so there is nobody to log in as."""

    code = outcomes.SPACE_WITHOUT_OWNER


class AlreadySetUp(SetupError):
    """This app start has been set up already."""

    code = outcomes.ALREADY_SET_UP


class ClaimedByOtherSetup(SetupError):
    """This app start was set up by another version of the commands."""

    code = outcomes.CLAIMED_BY_OTHER_SETUP


class UnknownClaim(SetupError):
    """The app says that it was set up, by a run that none of our attempts began."""

    code = outcomes.UNKNOWN_CLAIM


class SetupChanged(SetupError):
    """The commands changed while a run of the old ones was under way."""

    code = outcomes.SETUP_CHANGED


class AppFailed(SetupError):
    """SageMaker could not start the app."""

    code = outcomes.APP_FAILED


class AppDeleted(SetupError):
    """The app is being deleted, is deleted, or does not exist."""

    code = outcomes.APP_DELETED


class AppReplaced(SetupError):
    """The app was restarted in the meantime."""

    code = outcomes.APP_REPLACED


class ControlPlaneRefused(SetupError):
    """SageMaker refused a call, or could not be reached; `aws_code` is the API's or the SDK's name for it."""

    code = outcomes.CONTROL_PLANE_REFUSED

    def __init__(self, message: str, aws_code: str) -> None:
        super().__init__(message)
        self.aws_code = aws_code


class AppNotReady(SetupError):
    """The app was not in service in time."""

    code = outcomes.APP_NOT_READY


class LoginRefused(SetupError):
    """The presigned URL did not lead into the app."""

    code = outcomes.LOGIN_REFUSED


class JupyterRefused(SetupError):
    """The Jupyter server answers, but refuses what is needed."""

    code = outcomes.JUPYTER_REFUSED


class TerminalsDisabled(JupyterRefused):
    """The Jupyter server offers no terminals."""

    code = outcomes.TERMINALS_DISABLED


class ShellSilent(SetupError):
    """The terminal's shell never got as far as running a line of ours."""

    code = outcomes.SHELL_SILENT


class NoWorkspace(SetupError):
    """The app has no place or no tools to keep a run."""

    code = outcomes.NO_WORKSPACE


class RunLost(SetupError):
    """The run was claimed, but the folder that kept it is gone."""

    code = outcomes.RUN_LOST


class ConnectionLost(SetupError):
    """The connection broke, or went silent; trying again may help."""

    code = outcomes.CONNECTION_LOST


class ShellGone(ConnectionLost):
    """The terminal's shell ended."""

    code = outcomes.SHELL_GONE


class LoginExpired(ConnectionLost):
    """Studio asks to sign in again."""

    code = outcomes.LOGIN_EXPIRED


class LoginExpiredAgain(SetupError):
    """Studio asks to sign in again after every new login."""

    code = outcomes.LOGIN_EXPIRED


class OutOfTime(SetupError):
    """The time is up while the app goes on."""

    code = outcomes.OUT_OF_TIME
