"""What can go wrong, told apart by what the operator should do about it.

Each class carries the outcome it leads to, a stable `code` for the log, and the remedy. No message ever holds the
presigned URL, a cookie or a token: messages are built from names and numbers, never from a library's exception text.
"""

from __future__ import annotations

from typing import ClassVar

from studio_setup.report import Outcome


class SetupError(Exception):
    """The setup could not be carried out; `str()` says what happened and what to do."""

    outcome: ClassVar[Outcome] = Outcome.FAILED
    code: ClassVar[str] = "setup-error"
    remedy: ClassVar[str] = ""

    def __str__(self) -> str:
        """What happened, then the remedy."""
        what = super().__str__()
        return f"{what} {self.remedy}" if self.remedy else what


class BadInput(SetupError):
    """A command, a script, an identifier or a setting is not usable."""

    code = "bad-input"


class NotForUs(SetupError):
    """This app is not one to set up."""

    outcome = Outcome.SKIPPED
    code = "not-for-us"


class SsoDomain(NotForUs):
    """The domain signs its users in through IAM Identity Center."""

    code = "sso-domain"
    remedy = (
        "Presigned URLs exist for domains in IAM mode only (CreatePresignedDomainUrl); use a lifecycle"
        " configuration there."
    )


class SpaceWithoutOwner(NotForUs):
    """Nobody owns the space, so there is nobody to log in as."""

    code = "space-without-owner"
    remedy = "Name the user profile to use for such spaces (parameter SharedSpaceUser; by hand, --user-profile-name)."


class AlreadySetUp(NotForUs):
    """This start of the app has been set up already."""

    code = "already-set-up"


class ClaimedByOtherSetup(NotForUs):
    """This start of the app was set up by another version of the commands."""

    code = "claimed-by-other-setup"
    remedy = "The new version takes effect when the app starts next; by hand, --force runs it now."


class SetupChanged(SetupError):
    """The commands changed while a run of the old ones was under way."""

    code = "setup-changed"
    remedy = "The rest of the old setup will not run; restart the app to set it up with the new one."


class AppGone(SetupError):
    """The app failed to start, or was deleted."""

    outcome = Outcome.APP_GONE
    code = "app-gone"


class AppFailed(AppGone):
    """SageMaker could not start the app."""

    code = "app-failed"
    remedy = "Nothing can be set up; the reason is SageMaker's."


class AppDeleted(AppGone):
    """The app is being deleted, is deleted, or does not exist."""

    code = "app-deleted"
    remedy = "It is set up when it starts next."


class Unreachable(SetupError):
    """The app could not be reached or logged in to."""

    outcome = Outcome.UNREACHABLE
    code = "unreachable"


class ControlPlaneRefused(Unreachable):
    """SageMaker refused a call, or could not be called."""

    code = "control-plane-refused"
    remedy = "Check the region, the credentials, the role's permissions and the identifiers."

    def __init__(self, message: str, aws_code: str) -> None:
        super().__init__(message)
        self.aws_code = aws_code


class AppReplaced(AppGone):
    """The app was started anew meanwhile; that start has an event, and a setup, of its own."""

    code = "app-replaced"


class AppNotReady(Unreachable):
    """The app was not in service in time."""

    code = "app-not-ready"
    remedy = "A retry waits again; if apps regularly take longer, look at their image and lifecycle configuration."


class LoginRefused(Unreachable):
    """The presigned URL did not lead into the app."""

    code = "login-refused"
    remedy = (
        "The URL may have expired, or a policy on CreatePresignedDomainUrl (aws:SourceIp, aws:SourceVpce) keeps this"
        " network out."
    )


class JupyterRefused(Unreachable):
    """The Jupyter server answers, but refuses what is needed."""

    code = "jupyter-refused"
    remedy = "Look at the Jupyter server's own log in the app."


class TerminalsDisabled(JupyterRefused):
    """The Jupyter server offers no terminals."""

    code = "terminals-disabled"
    remedy = "Enable them in the app's image (ServerApp.terminals_enabled); without a terminal nothing can be set up."


class ShellSilent(Unreachable):
    """The terminal's shell never got as far as running a line of ours."""

    code = "shell-silent"
    remedy = "Look at the start-up files of the user's shell: they may wait, ask or exit."


class NoWorkspace(SetupError):
    """The app has no place or no tools to keep a run."""

    code = "no-workspace"
    remedy = "The app needs a writable TMPDIR or /tmp of its own with some room left, and the standard tools."


class ConnectionLost(Unreachable):
    """The connection broke, or went silent; trying again may help."""

    code = "connection-lost"


class ShellGone(ConnectionLost):
    """The terminal's shell ended."""

    code = "shell-gone"


class LoginExpired(ConnectionLost):
    """The front door asks to sign in again."""

    code = "login-expired"


class OutOfTime(SetupError):
    """Our time is up while the app goes on."""

    outcome = Outcome.UNFINISHED
    code = "out-of-time"
    remedy = "The app goes on; the next attempt resumes the run where it is then."
