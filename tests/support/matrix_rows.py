"""The 59 known ways for a setup like this to fail: what must happen then, and which tests show that it does."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to fail.

    `tests` has names of test functions, without `test_`, separated by spaces; `untested` says what no test can produce.
    """

    what: str
    required: str
    tests: str = ""
    untested: str = ""


_ANY_STEP = "a_fault_at_any_step_changes_nothing"
_ALWAYS = "silence_and_permanent_faults_are_reported_in_time"
_ANY_LOGIN = "a_setup_succeeds_whatever_form_its_logins_have"
_NO_LOGIN = "a_login_that_cannot_work_is_reported_as_such"
WAYS = (
    Way(
        "The app fails or is deleted while the setup waits for it",
        "what DescribeApp says counts: `app-failed` with SageMaker's reason, or `app-deleted`; neither is an error",
        "an_app_that_fails_to_start_is_reported_with_sagemakers_reason a_failed_app_gives_its_reason"
        " without_grace_a_deleted_app_is_not_waited_for at_the_deadline_the_last_status_is_named",
    ),
    Way(
        "A domain in SSO mode",
        "skipped (`sso-domain`) before anything else is tried",
        "a_domain_in_sso_mode_is_refused an_sso_domain_is_skipped_with_5",
    ),
    Way(
        "The presigned URL has expired or was used before it is opened",
        "it is requested only when the app is in service, and used at once; one that is refused is replaced twice, then"
        " `login-refused`",
        f"{_ANY_STEP} {_ALWAYS} {_NO_LOGIN} a_presigned_url_is_asked_for_only_while_the_app_is_in_service",
    ),
    Way(
        "The login ends on a sign-in page, or on a page outside the app",
        "if the app is there with the cookies so far, the setup goes on; else `login-refused`, with what was answered;"
        " no cookie and no token goes to another host",
        f"{_ANY_STEP} {_ALWAYS} {_ANY_LOGIN} {_NO_LOGIN} a_refusal_says_all_that_was_seen"
        " a_login_that_leads_away_is_refused a_login_that_ends_on_another_page_is_refused",
    ),
    Way(
        "A policy with a network condition denies access, possibly in mid-stream",
        "denied at the login: `login-refused`; denied later: a new login, and the run is found again",
        f"{_ANY_STEP} {_ANY_LOGIN} {_NO_LOGIN} a_new_login_follows_a_session_that_ended",
        "the condition itself belongs to IAM; its effect on a connection is simulated",
    ),
    Way(
        "`_xsrf` is missing, there twice, or changed on the server",
        "it is fetched with a page; the one that the server will read is repeated; it is renewed once after a 403",
        f"{_ANY_STEP} {_ALWAYS} a_token_is_renewed_only_once another_xsrf_cookie_does_not_matter",
    ),
    Way(
        "A server without terminals",
        "`terminals-disabled`, at once",
        "a_server_without_terminals_is_reported",
    ),
    Way(
        "502, 503 or 504 while the server warms up",
        "waited for until the time is up; a terminal is requested only once api/status has answered, and deleted again"
        " if it is not known whether it was created",
        f"{_ANY_STEP} jupyter_may_answer_later_than_the_app_is_in_service a_server_that_is_still_starting_is_waited_for"
        " a_terminal_that_may_have_been_created_is_deleted",
    ),
    Way(
        "The websocket handshake is refused",
        "404 is retried for a few seconds, then with a new terminal; after 401 and 403 there is a new login; anything"
        " else is a lost connection",
        f"{_ANY_STEP} {_ALWAYS} {_ANY_LOGIN}",
    ),
    Way(
        "The connection ends in mid-command, with or without a close frame, or falls silent",
        "connected again; the command has gone on, its output and exit status are found",
        f"{_ANY_STEP} {_ALWAYS} a_dropped_socket_loses_nothing a_command_may_stop_the_jupyter_server_for_a_while",
    ),
    Way(
        "The Jupyter server restarts in mid-command, perhaps because the command restarts it",
        "the command survives; a new login if needed, and the next command runs",
        "a_script_may_restart_the_jupyter_server a_killed_jupyter_server_loses_nothing",
    ),
    Way(
        "The prompt arrives in pieces",
        "it is found wherever it is cut",
        f"a_prompt_is_found_wherever_it_is_cut_in_three {_ANY_STEP}",
    ),
    Way(
        "Output that looks like a prompt",
        "is output and nothing else",
        "output_that_looks_like_a_prompt_does_not_end_the_command no_output_of_a_command_is_taken_for_an_answer"
        " any_output_is_output",
    ),
    Way(
        "The user's prompt, whatever it looks like",
        "does not matter",
        "any_user_prompt_works any_start_up_file",
    ),
    Way(
        "Start-up files that print, wait, ask, replace the shell or end it",
        "the line is typed again until our shell answers; a shell that ends is reported as `shell-silent` after a few"
        " tries",
        "any_start_up_file a_home_that_is_slow_to_read a_space_with_start_up_files_of_its_own"
        " functions_that_the_user_exports_have_no_effect a_shell_that_ends_by_itself_is_reported",
    ),
    Way(
        "Commands that need a conda environment",
        "the setup that ships activates it where the image has one",
        "the_extension_is_installed_and_answers",
    ),
    Way(
        "Another login shell",
        "every one of them understands the line that takes it over",
        "any_shell any_start_up_file every_shell_can_be_taken_over",
    ),
    Way(
        "Escape codes, bracketed paste, progress bars",
        "they break no prompt and do not reach the log",
        "only_readable_text_is_shown of_a_progress_bar_only_the_last_state_is_shown",
    ),
    Way(
        "Programs that ask: git, ssh, apt, sudo, a pager",
        "no input, no terminal, and settings that answer no; what waits all the same is ended at the command's limit",
        "a_command_gets_no_input_and_is_never_asked nobody_answers_a_commands_questions",
    ),
    Way(
        "A script that is not complete",
        "it is a file, so it ends with its own error; nothing waits for the rest",
        "a_command_may_end_in_any_way a_script_runs_as_it_is",
    ),
    Way(
        "More than 4,095 characters on a line",
        "such a line is never typed; a script arrives whole or does not start",
        "the_longest_line_is_not_cut a_script_of_any_size_arrives_whole",
    ),
    Way(
        "A very large output",
        "its beginning and end are in the log, all of it is in the app, and memory stays flat",
        "much_output_is_bounded_in_the_log_and_whole_in_the_app a_gigabyte_without_a_newline",
    ),
    Way(
        "Output that is not text",
        "the log has readable text; the app has the bytes",
        "output_can_always_be_logged any_output_is_output",
    ),
    Way(
        "A command that never ends",
        "ended at its limit with everything it started: `command-timed-out`",
        "a_command_is_ended_at_its_limit_with_everything_it_started a_command_that_does_not_end_is_ended_at_its_limit",
    ),
    Way(
        "`exit`, `exec` or `set -e` in a command",
        "ends that command only",
        "a_command_may_end_in_any_way a_failure_is_a_failure",
    ),
    Way(
        "A background child that keeps the output open",
        "the command is over when it ends itself",
        "what_a_command_leaves_running_goes_on a_background_process_does_not_hold_up_its_command",
    ),
    Way(
        "The function's time is up in mid-command",
        "`out-of-time`; the command goes on in the app, and the retry resumes the run",
        "out_of_time_is_unfinished_and_the_next_attempt_carries_on out_of_time_is_unfinished_and_the_retry_carries_on",
    ),
    Way(
        "The function is killed",
        "the next attempt finds the run, and the exit status if the command is over",
        "a_killed_invocation_is_resumed_by_the_next a_command_that_ends_while_nobody_is_connected_has_its_status"
        " after_a_function_is_killed_in_mid_command_the_retry_carries_on",
    ),
    Way(
        "The same event twice",
        "one run, one effect; the second invocation joins it or skips",
        "the_same_event_twice_at_once_has_one_effect the_same_event_twice_has_one_effect",
    ),
    Way(
        "The event of a CreateApp call that failed",
        "the rule keeps it out, and the function skips it (`failed-call`)",
        "a_failed_call_is_ignored one_difference_keeps_an_event_out",
    ),
    Way(
        "Events of other shapes: spaces, other app types, other domains, nulls",
        "each is an app to set up or is skipped with a code; none is an error",
        "any_event_names_an_app_or_is_ignored an_event_without_parameters_is_ignored a_space_is_set_up_as_its_owner",
    ),
    Way(
        "The app is replaced between the event and the run, or during the run",
        "`app-replaced` or `app-deleted`; the older run does nothing to the newer app",
        "an_app_restarted_during_the_setup_is_left_to_its_own_event",
    ),
    Way(
        "CreateApp for an app that is in service already",
        "this app start has its claim already: `already-set-up`",
        "the_same_event_twice_in_a_row_has_one_effect",
    ),
    Way(
        "Everybody starts at nine o'clock",
        "polling is infrequent and jittered; concurrency can be reserved; throttled calls come back in growing rounds",
        "a_slow_app_is_polled_less_often a_pause_is_about_as_long_as_asked concurrency_is_reserved_only_on_request"
        " a_burst_is_over_soon_after_the_rate_allows",
    ),
    Way(
        "ThrottlingException",
        "the call is retried while there is time, after random pauses that grow with every refusal",
        "throttled_calls_are_retried whoever_is_refused_again_comes_back_in_the_next_round",
    ),
    Way(
        "EventBridge does not deliver",
        "an event that could not be delivered, or whose setup failed, is kept in a queue and can be sent again",
        "events_that_cannot_be_delivered_are_kept an_event_in_the_failure_queue_can_be_sent_again",
        "an event that CloudTrail never wrote leaves no trace anywhere; the alarm on missing invocations is for that",
    ),
    Way(
        "An HTTP proxy that HTTP uses and websockets do not",
        "the function has no proxy; by hand, both libraries read the same variables",
        untested="the function's environment comes from the template, which sets no proxy",
    ),
    Way(
        "No route, no private DNS",
        "every call has timeouts; the outcome names the call",
        f"{_ALWAYS} every_request_has_timeouts_and_no_redirect_is_followed"
        " every_request_of_a_login_has_timeouts an_endpoint_that_cannot_be_reached_ends_with_3",
        "the routes and names of a real VPC",
    ),
    Way(
        "No internet in the app",
        "git and pip fail instead of asking; what hangs is ended at the command's limit",
        "a_command_gets_no_input_and_is_never_asked a_command_is_ended_at_its_limit_with_everything_it_started",
    ),
    Way(
        "The user deletes the app during the setup",
        "`app-deleted`: no error, no retry",
        "deleting_the_app_during_the_setup_is_no_error",
    ),
    Way(
        "The user works in the app during the setup",
        "the user's terminals and what runs in them are left alone; restarting the server is up to the setup",
        "a_users_own_terminals_are_left_alone",
    ),
    Way(
        "The user types into our terminal, or closes it",
        "the outcome stands; a new terminal is opened",
        "someone_typing_into_our_terminal_does_not_matter someone_closing_our_terminal_does_not_matter",
    ),
    Way(
        "The user's own terminal is called `1`",
        "it is never typed into and never deleted, not even after a restart of the server",
        "a_users_own_terminals_are_left_alone a_users_terminal_with_our_old_number_is_not_deleted",
    ),
    Way(
        "Two setups of one app at once",
        "one claim holds; both follow the same run",
        "of_several_claims_at_once_one_holds the_same_event_twice_at_once_has_one_effect",
    ),
    Way(
        "A full or read-only disk",
        "nothing of ours is in the home; a command that fills the disk of the run is still followed to its end;"
        " without a place for the run: `no-workspace`",
        "commands_that_fill_the_disk a_killed_server_on_a_full_disk_loses_nothing"
        " without_a_place_for_the_run_it_fails_with_the_remedy a_full_home_does_not_matter"
        " with_very_little_space_a_command_runs_or_does_not_start a_run_is_found_again_on_a_full_disk",
        "a slow disk, apart from a slow start-up file",
    ),
    Way(
        "A script with CRLF line ends",
        "they become LF",
        "windows_line_ends_are_converted a_script_runs_as_it_is",
    ),
    Way(
        "A setup that finds its own leftovers in the home",
        "the setup that ships succeeds again",
        "the_next_start_with_the_same_home_is_set_up_too",
    ),
    Way(
        "Secrets in echo, history or log",
        "scripts are not echoed and not in the history, and our files are private; what a command itself prints is"
        " logged, unless it has `log_output=False`",
        "nothing_of_ours_is_in_the_users_history the_folder_is_for_the_user_alone the_secret_is_seen_nowhere",
    ),
    Way(
        "Token and cookies in the log",
        "never, whatever fails",
        f"{_ANY_STEP} {_ALWAYS} a_login_reveals_no_secret a_failed_setup_reveals_no_secret",
    ),
    Way(
        "The wrong domain",
        "the event names the domain; one other than the configured one is skipped",
        "another_domain_is_ignored an_unknown_domain_ends_with_3",
    ),
    Way(
        "The server culls terminals that are silent",
        "ours prints something every second; if it is culled all the same, a new one is opened",
        "a_culled_terminal_does_not_matter",
    ),
    Way(
        "The other side misbehaves, on purpose or by a defect: API, front door, Jupyter, websocket, shell",
        "what comes from outside is bounded in time, size and shape: a code in time and below 256 MiB, no secret, no"
        " request that is not ours, and no success that the app did not report",
        "nothing_on_the_other_side_can_hang_it_or_make_it_tell"
        " whatever_is_answered_the_report_is_in_time_and_tells_nothing_but_the_truth"
        " a_call_that_was_given_up_ends_though_bytes_keep_dripping"
        " where_a_login_leads_away_to_is_said_without_a_secret",
        "SageMaker's own API sends an answer of hundreds of MB: the SDK reads it whole",
    ),
    Way(
        "A neighbour in a shared app writes into the pipe that wakes whoever follows a command, reads from it, or"
        " deletes it",
        "nothing: the pipe only wakes; how the command ended is in its status file",
        "a_neighbour_at_the_pipe_of_a_follower_changes_nothing",
    ),
    Way(
        "The owner of an app, or a neighbour, forges a claim: a run that is said to have set up this app start",
        "`unknown-claim`, which is a failure and is not retried, if the function's log does not know the run; if the"
        " log cannot be asked, the claim is believed, and `claim.unchecked` says so",
        "a_claim_that_the_owner_of_an_app_forged_is_seen a_claim_that_the_log_does_not_know_is_a_failure"
        " after_half_a_minute_a_claim_is_unknown lost_runs_and_unknown_claims_are_not_retried",
    ),
    Way(
        "By hand: Ctrl-C, SIGTERM, or SIGHUP from a window that is closed",
        "the command is ended in the app with its whole process group, the terminal is deleted, the exit status is 130",
        "a_signal_ends_the_command_in_the_app a_terminal_that_hangs_up_ends_the_command_in_the_app",
    ),
    Way(
        "By hand: nobody reads the output any more, as behind `| head`",
        "the command is ended in the app as by Ctrl-C; the exit status is 141, which says nothing about the command",
        "output_that_nobody_reads_any_more_ends_the_command_in_the_app"
        " a_report_that_nobody_reads_is_no_failure_of_a_command",
    ),
    Way(
        "The operator has a `~/.netrc`",
        "nothing of it is sent to anybody",
        "the_operators_netrc_is_never_sent",
    ),
    Way("The clock is set", "only monotonic time is used", "the_default_clock_is_the_machines"),
    Way(
        "Another version of the Jupyter server",
        "the engine runs on every version that Studio has had",
        "statuses_come_back_and_no_terminal_is_left",
        "future versions",
    ),
)


def find(name: str) -> list[str]:
    """Every test of that name, as pytest takes it but without `tests/`; a moved test is found where it is."""
    return [f"{path}::test_{name}" for path in _files_by_test().get(f"test_{name}", [])]


@functools.cache
def _files_by_test() -> dict[str, list[str]]:
    """The name of each test function → the files that have one, below tests/."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for one in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(one, ast.FunctionDef):
                found.setdefault(one.name, []).append(path.relative_to(ROOT / "tests").as_posix())
    return found
