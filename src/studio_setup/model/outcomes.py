"""How a setup can end: every outcome and every code, each in one place.

`docs/outcomes.md` is generated from this table, the errors of `errors.py` carry its codes, and the remedy that follows
a message in the log is the one on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a setup ended, told apart because operators act differently on each."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNFINISHED = "unfinished"
    SKIPPED = "skipped"
    APP_GONE = "app_gone"
    UNREACHABLE = "unreachable"

    @property
    def is_error(self) -> bool:
        """Must the invocation fail, so that retries, the failure queue and alarms see it?"""
        return self in {Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNFINISHED, Outcome.UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Code:
    """Why a setup ended as it did: a stable name for the log, what it means, and what an operator should do.

    `remedy` is empty where there is nothing to do. `is_final`: Lambda must not retry, which would run commands twice.
    """

    name: str
    outcome: Outcome
    meaning: str
    remedy: str = ""
    is_final: bool = False


SUCCEEDED = Code("succeeded", Outcome.SUCCEEDED, "Every command ended with exit status 0.")

PROBED = Code(
    "probed",
    Outcome.SUCCEEDED,
    "A probe got as far as a shell in the app, through the deployed role and network; no command was run.",
)

COMMAND_FAILED = Code(
    "command-failed",
    Outcome.FAILED,
    "A command ended with another exit status, or without one (`lost`: the process that waited for it was killed).",
    "Read its `command.output` and fix the command. It runs when the app starts next; `studio-setup setup --only failed"
    " --force` runs it now.",
)
SETUP_CHANGED = Code(
    "setup-changed",
    Outcome.FAILED,
    "The commands changed while a run of the old ones was under way.",
    "The rest of the old setup will not run; restart the app to set it up with the new one.",
)
RUN_LOST = Code(
    "run-lost",
    Outcome.FAILED,
    "The run was begun in this app start, but the folder in the app that kept it is gone: a command or the user emptied"
    " it. Nothing is run a second time, not by a retry either.",
    "Find out what empties the app's TMPDIR; restart the app, or run `studio-setup setup --force`.",
    is_final=True,
)
UNKNOWN_CLAIM = Code(
    "unknown-claim",
    Outcome.FAILED,
    "The app says that this start has been set up, but no attempt in the function's log claimed it: whoever owns the"
    " app wrote that there (in a start-up file, say), or the run is another stack's or older than what the log keeps.",
    "Ask the owner of the app; `studio-setup setup --force` runs the setup all the same.",
    is_final=True,
)
NO_WORKSPACE = Code(
    "no-workspace",
    Outcome.FAILED,
    "The app has no place or no tools to keep a run.",
    "The app needs a writable /tmp (or the TMPDIR of its Jupyter server) with some free space, and the standard tools.",
)
BAD_INPUT = Code(
    "bad-input",
    Outcome.FAILED,
    "A command, a script, a name or a setting is not valid; the message names the value and what to change.",
)

COMMAND_TIMED_OUT = Code(
    "command-timed-out",
    Outcome.TIMED_OUT,
    "A command reached its own time limit, and its process group was ended.",
    "Read its last output. Raise its limit, or fix what it waits for.",
)

OUT_OF_TIME = Code(
    "out-of-time",
    Outcome.UNFINISHED,
    "The time was up while the app went on (`unreachable` if nothing had got into the app by then).",
    "The app goes on. The next attempt at a setup resumes the run where it is then; if this ends in the failure queue,"
    " shorten the setup.",
)

ALREADY_SET_UP = Code(
    "already-set-up",
    Outcome.SKIPPED,
    "This app start has been set up already: a second event, or a retry.",
)
CLAIMED_BY_OTHER_SETUP = Code(
    "claimed-by-other-setup",
    Outcome.SKIPPED,
    "This app start was set up by another version of the commands.",
    "The new version takes effect when the app starts next; `studio-setup setup --only outdated,failed --force` runs it"
    " now.",
)
SSO_DOMAIN = Code(
    "sso-domain",
    Outcome.SKIPPED,
    "The domain signs its users in through IAM Identity Center.",
    "Presigned URLs exist in IAM mode only (CreatePresignedDomainUrl). Use a lifecycle configuration there, or for"
    " ad-hoc commands sagemaker:StartSession, which IAM authenticates in such domains too.",
)
SPACE_WITHOUT_OWNER = Code(
    "space-without-owner",
    Outcome.SKIPPED,
    "Nobody owns the space, so there is nobody to log in as.",
    "Name the user profile to use for such spaces (parameter SharedSpaceUser; by hand, --user-profile-name).",
)
BAD_REQUEST = Code(
    "bad-request",
    Outcome.SKIPPED,
    "Somebody invoked the function with a request that is not valid; nothing was done.",
    "Find out who sends such requests; `studio-setup` sends valid ones.",
)
NOT_AN_EVENT = Code(
    "not-an-event",
    Outcome.SKIPPED,
    "The function was invoked with something other than the event of a `CreateApp` call.",
    "Find out what else invokes the function.",
)
OTHER_CALL = Code(
    "other-call",
    Outcome.SKIPPED,
    "The event is of another API call (Amplify has a `CreateApp` too). The rule normally keeps these out.",
)
FAILED_CALL = Code("failed-call", Outcome.SKIPPED, "The `CreateApp` call itself failed, so no app started.")
OTHER_APP_TYPE = Code(
    "other-app-type",
    Outcome.SKIPPED,
    "The app is of a type that is not set up, such as Code Editor.",
    "If it should be, add the type to the parameter AppTypes.",
)
OTHER_DOMAIN = Code("other-domain", Outcome.SKIPPED, "The app is in another domain than the parameter DomainId names.")
BAD_NAME = Code(
    "bad-name",
    Outcome.SKIPPED,
    "A name in the event is not a valid SageMaker name.",
    "Find out who sends such events.",
)

APP_FAILED = Code(
    "app-failed",
    Outcome.APP_GONE,
    "SageMaker could not start the app.",
    "Nothing can be set up; act on the reason that SageMaker gives.",
)
APP_DELETED = Code(
    "app-deleted",
    Outcome.APP_GONE,
    "The app is being deleted, is deleted, or does not exist.",
    "It is set up when it starts next.",
)
APP_REPLACED = Code(
    "app-replaced",
    Outcome.APP_GONE,
    "The app was restarted in the meantime; the new start has an event, and a setup, of its own.",
)

CONTROL_PLANE_REFUSED = Code(
    "control-plane-refused",
    Outcome.UNREACHABLE,
    "SageMaker refused a call (permissions, unknown names, throttling until the time was up) or could not be reached.",
    "Check the region, the credentials, the role's permissions, the network and the names.",
)
APP_NOT_READY = Code(
    "app-not-ready",
    Outcome.UNREACHABLE,
    "The app was not in service in time.",
    "A retry waits again; if apps regularly take longer, look at their image and lifecycle configuration.",
)
LOGIN_REFUSED = Code(
    "login-refused",
    Outcome.UNREACHABLE,
    "The presigned URL did not lead into the app.",
    "The URL may have expired, or a policy on CreatePresignedDomainUrl (aws:SourceIp, aws:SourceVpce) keeps this"
    " network out: then put the function into the VPC, or change the policy.",
)
LOGIN_EXPIRED = Code(
    "login-expired",
    Outcome.UNREACHABLE,
    "Studio asked to sign in again, and again after a new login.",
    "The cause is usually a policy on CreatePresignedDomainUrl, as for `login-refused`.",
)
JUPYTER_REFUSED = Code(
    "jupyter-refused",
    Outcome.UNREACHABLE,
    "The Jupyter server answers, but refuses what is needed.",
    "Look at the Jupyter server's own log in the app.",
)
TERMINALS_DISABLED = Code(
    "terminals-disabled",
    Outcome.UNREACHABLE,
    "The Jupyter server offers no terminals.",
    "Enable them in the app's image (ServerApp.terminals_enabled); without a terminal nothing can be set up.",
)
SHELL_SILENT = Code(
    "shell-silent",
    Outcome.UNREACHABLE,
    "The terminal's shell never ran a line of ours; the message has the last of what it showed.",
    "Look at the start-up files of the user's shell: they may wait, ask or exit.",
)
SHELL_GONE = Code(
    "shell-gone",
    Outcome.UNREACHABLE,
    "The terminal's shell ended again and again until the time was up.",
    "The retry resumes; look at the start-up files of the user's shell and at the app's memory.",
)
CONNECTION_LOST = Code(
    "connection-lost",
    Outcome.UNREACHABLE,
    "The connection to the app broke, again and again until the time was up.",
    "The retry resumes; look at the network between the function and Studio.",
)

CODES: dict[str, Code] = {code.name: code for code in list(vars().values()) if isinstance(code, Code)}
