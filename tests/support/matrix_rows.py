"""The 53 known ways for a setup like this to fail: what must happen, and which test shows that it does.

A test is named `folder/file::function` without `test_` and `.py`, and without the folder where that is `emulated` or
`unit`. Where nothing can show it here, `instead` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Way:
    """One way to fail."""

    what: str
    must: str
    tests: str = ""
    instead: str = ""


_ROOT = Path(__file__).parents[2]
_ANY_STEP = "matrix::a_fault_at_any_step_changes_nothing"
_STAYS = "matrix::silence_and_what_stays_are_told_in_time"
WAYS = (
    Way(
        "The app fails or is deleted while it is waited for",
        "DescribeApp is believed: `app-failed` with SageMaker's reason, or `app-deleted`; neither is an error",
        "losses::an_app_that_fails_to_start_is_gone_with_sagemakers_reason studio::a_failed_app_gives_its_reason"
        " studio::an_app_that_is_gone_is_not_waited_for studio::out_of_time_names_what_it_waited_for",
    ),
    Way(
        "A domain in SSO mode",
        "skipped (`sso-domain`) before anything else is tried",
        "studio::a_domain_with_sso_is_refused by_hand::an_sso_domain_is_skipped_with_5",
    ),
    Way(
        "The presigned URL is too old or used when it is opened",
        "it is asked for only in service and used at once; one that is refused is replaced once, then `login-refused`",
        f"{_ANY_STEP} {_STAYS} studio::a_url_is_asked_for_in_service_only",
    ),
    Way(
        "The login ends on a sign-in page, or on a page that is no app's",
        "`login-refused`; no cookie and no token goes to another host",
        f"{_ANY_STEP} {_STAYS} studio::a_login_that_leads_away_is_refused"
        " studio::a_login_that_ends_on_another_page_is_refused",
    ),
    Way(
        "A policy with a network condition denies us, also in mid-stream",
        "denied at the login: `login-refused`; denied later: a new login, and the run is found again",
        f"{_ANY_STEP} losses::a_new_login_follows_a_session_that_ended",
        "the condition itself is IAM's; what it does to a connection is produced",
    ),
    Way(
        "`_xsrf` missing, there twice, or changed on the server",
        "fetched with a page; the one that the server will read is repeated; renewed once after a 403",
        f"{_ANY_STEP} {_STAYS} jupyter::a_token_is_renewed_once servers::another_xsrf_cookie_does_not_matter",
    ),
    Way(
        "A server without terminals",
        "`terminals-disabled`, at once",
        "matrix::a_server_without_terminals_is_told jupyter::a_server_without_terminals_is_told",
    ),
    Way(
        "502, 503, 504 while the server warms up",
        "waited for until the time is up; a terminal is asked for only after api/status has answered, and deleted again"
        " if it is not known whether it was made",
        f"{_ANY_STEP} losses::jupyter_may_answer_later_than_the_app_is_in_service"
        " jupyter::a_terminal_that_may_have_been_made_is_deleted",
    ),
    Way(
        "The websocket handshake is refused",
        "404 is tried again for seconds, then a new terminal; anything else is a lost connection",
        f"{_ANY_STEP} {_STAYS}",
    ),
    Way(
        "The connection ends in mid-command, with or without a word, or falls silent",
        "connected again; the command has gone on, its output and exit status are found",
        f"{_ANY_STEP} {_STAYS} losses::a_dropped_socket_loses_nothing"
        " commands::a_command_may_stop_the_jupyter_server_for_a_while",
    ),
    Way(
        "The Jupyter server restarts in mid-command, by the command's own doing too",
        "the command survives; a new login if need be, and the next command runs",
        "losses::a_script_may_restart_the_jupyter_server losses::a_killed_jupyter_server_loses_nothing",
    ),
    Way(
        "The prompt arrives in pieces",
        "found however it is cut",
        f"prompt::a_prompt_is_found_wherever_it_is_cut_in_three {_ANY_STEP}",
    ),
    Way(
        "Output that looks like a prompt",
        "is output",
        "verdicts::text_like_a_prompt_in_the_output_ends_nothing verdicts::what_a_command_prints_is_never_an_answer"
        " any_output::any_output_is_output",
    ),
    Way(
        "Any prompt of the user's",
        "does not matter",
        "verdicts::any_prompt_of_the_user_will_do shells::any_start_up_file",
    ),
    Way(
        "Start-up files that print, wait, ask, replace the shell or end it",
        "the line is typed again until our shell answers; a shell that ends is `shell-silent`, soon",
        "shells::any_start_up_file shells::a_home_that_is_slow_to_read shells::a_space_with_start_up_files_of_its_own"
        " remote_sh::functions_that_the_user_exports_are_not_called shells::a_shell_that_ends_by_itself_is_reported",
    ),
    Way(
        "Commands that need a conda environment",
        "the shipped setup activates it where the image has one",
        "setup::the_jupyterlab_3_image_is_set_up_in_its_environment",
    ),
    Way(
        "Another login shell",
        "the take-over is understood by all of them",
        "shells::any_shell shells::any_start_up_file shell::every_shell_becomes_ours",
    ),
    Way(
        "Escape codes, bracketed paste, progress bars",
        "none of them in a prompt, none of them in the log",
        "output::only_what_can_be_read_is_shown output::a_progress_bar_is_shown_in_its_last_state",
    ),
    Way(
        "Programs that ask: git, ssh, apt, sudo, a pager",
        "no input, no terminal, switches that say no; what still waits is ended at the command's limit",
        "verdicts::a_command_gets_no_input_and_is_never_asked remote_sh::nothing_answers_questions",
    ),
    Way(
        "A script that is not complete",
        "is a file, so it ends with an error of its own; nothing waits for the rest",
        "commands::a_command_may_end_in_any_way remote_sh::a_command_may_end_in_any_way"
        " verdicts::a_script_runs_as_it_is",
    ),
    Way(
        "More than 4,095 characters on a line",
        "never typed; a script arrives whole or does not start",
        "shell::the_longest_line_arrives_whole remote_sh::a_script_of_any_size_arrives",
    ),
    Way(
        "Very much output",
        "head and tail in the log, all of it in the app, memory flat",
        "verdicts::much_output_is_bounded_in_the_log_and_whole_in_the_app any_output::a_gigabyte_without_a_newline",
    ),
    Way(
        "Output that is no text",
        "the log has readable text; the app has the bytes",
        "properties::output_is_always_fit_for_a_log any_output::any_output_is_output",
    ),
    Way(
        "A command that never ends",
        "ended at its limit with all it started: `command-timed-out`",
        "verdicts::a_command_is_ended_at_its_limit_with_everything_it_started"
        " commands::a_command_that_does_not_end_is_ended_at_its_limit",
    ),
    Way(
        "`exit`, `exec`, `set -e` in a command",
        "end that command only",
        "commands::a_command_may_end_in_any_way remote_sh::a_command_may_end_in_any_way"
        " verdicts::a_failure_is_a_failure",
    ),
    Way(
        "A background child that keeps the output open",
        "the command's own end counts",
        "commands::what_a_command_left_running_is_the_users remote_sh::a_background_child_does_not_hold_the_command",
    ),
    Way(
        "The function's time is up in mid-command",
        "`out-of-time`; the app goes on and the retry resumes",
        "losses::out_of_time_is_unfinished_and_the_next_attempt_carries_on"
        " deployed/asynchronous::out_of_time_is_unfinished_and_the_retry_carries_on",
    ),
    Way(
        "The function is killed",
        "the next attempt finds the run, and the exit status if it is over",
        "losses::a_killed_invocation_is_resumed_by_the_next losses::a_command_that_ended_unobserved_has_its_status"
        " deployed/asynchronous::a_function_killed_in_mid_command_is_carried_on_by_the_retry",
    ),
    Way(
        "The same event twice",
        "one run, one effect; the second invocation joins it or skips",
        "losses::the_same_event_twice_at_once_has_one_effect"
        " deployed/asynchronous::the_same_event_twice_has_one_effect",
    ),
    Way(
        "The event of a CreateApp that failed",
        "kept out by the rule, and skipped by the code (`failed-call`)",
        "app_event::a_failed_call_is_ignored template/rule::one_difference_keeps_an_event_out",
    ),
    Way(
        "Events of other shapes: spaces, other apps, other domains, nulls",
        "each is an app to set up or skipped with a code; none is an error",
        "properties::any_event_is_an_app_or_is_ignored app_event::parameters_that_are_none_are_ignored"
        " spaces::a_space_is_set_up_as_its_owner",
    ),
    Way(
        "The app is replaced between event and run, or during it",
        "`app-replaced` or `app-deleted`; the older run does nothing to the newer app",
        "losses::an_app_started_anew_meanwhile_is_left_to_its_own_event",
    ),
    Way(
        "CreateApp for an app that is in service",
        "the start has its claim already: `already-set-up`",
        "losses::the_same_event_twice_in_a_row_has_one_effect",
    ),
    Way(
        "Everybody starts at nine",
        "seldom, uneven polling; concurrency can be reserved; throttling is waited out, at uneven times",
        "studio::a_slow_app_is_looked_at_less_often deadline::a_pause_is_about_as_long_as_asked"
        " template/operation::concurrency_is_reserved_only_on_request",
    ),
    Way(
        "ThrottlingException",
        "waited out while there is time, at any moment within half a minute",
        "losses::a_throttled_control_plane_is_waited_for",
    ),
    Way(
        "EventBridge does not deliver",
        "what could not be delivered or ended in an error waits in a queue and can be sent again",
        "template/rule::what_cannot_be_delivered_is_kept deployed/asynchronous::what_was_given_up_can_be_redriven",
        "an event that CloudTrail never wrote leaves no trace anywhere; the alarm of silence is for that",
    ),
    Way(
        "An HTTP proxy that HTTP uses and websockets do not",
        "the function has no proxy; by hand, both libraries read the same variables",
        instead="the function's environment is the template's, and that sets no proxy",
    ),
    Way(
        "No route, no private DNS",
        "every call has timeouts; the outcome names the call",
        f"{_STAYS} jupyter::every_request_has_timeouts_and_no_redirect_is_followed"
        " studio::every_request_of_a_login_has_timeouts"
        " by_hand::no_report_is_lost_when_the_control_plane_cannot_be_called",
        "a VPC's own routes and names",
    ),
    Way(
        "No internet in the app",
        "git and pip fail instead of asking; the command's own limit ends what hangs",
        "verdicts::a_command_gets_no_input_and_is_never_asked"
        " verdicts::a_command_is_ended_at_its_limit_with_everything_it_started",
    ),
    Way(
        "The user deletes the app during the setup",
        "`app-deleted`: no error, no retry",
        "losses::an_app_deleted_meanwhile_is_gone",
    ),
    Way(
        "The user works in the app meanwhile",
        "terminals and what runs in them are left alone; a restart of the server is the setup's own decision",
        "losses::a_users_own_terminals_are_left_alone",
    ),
    Way(
        "The user types into our terminal, or closes it",
        "the verdict stands; a new terminal is opened",
        "losses::someone_typing_into_our_terminal_does_not_matter losses::someone_closing_our_terminal_does_not_matter",
    ),
    Way(
        "The user's own terminal is called `1`",
        "never typed into, never deleted, not even after a restart of the server",
        "losses::a_users_own_terminals_are_left_alone servers::a_users_terminal_with_our_old_number_is_not_deleted",
    ),
    Way(
        "Two setups of one app at once",
        "one claim holds; both follow the same run",
        "remote_sh::of_many_claims_at_once_one_holds losses::the_same_event_twice_at_once_has_one_effect",
    ),
    Way(
        "A full or read-only disk",
        "nothing of ours is in the home; a command that fills the disk of the run is followed to its end all the same;"
        " without a place for the run: `no-workspace`",
        "full_disks::commands_that_fill_the_disk full_disks::a_killed_server_on_a_full_disk_loses_nothing"
        " full_disks::without_a_place_for_the_run_it_fails_with_the_remedy full_disks::a_full_home_does_not_matter"
        " disks::with_very_little_room_a_command_is_run_or_it_is_not disks::a_run_is_found_again_on_a_full_disk",
        "a slow disk, but for a slow start-up file",
    ),
    Way(
        "A script with CRLF line ends",
        "normalised",
        "plan::windows_line_ends_are_normalised verdicts::a_script_runs_as_it_is",
    ),
    Way(
        "A setup that finds its own leftovers in the home",
        "the shipped one succeeds again",
        "setup::the_next_start_with_the_same_home_is_set_up_too",
    ),
    Way(
        "Secrets in echo, history, log",
        "scripts are not echoed, not in the history, and our files are private; what a command prints is its"
        " own affair",
        "verdicts::nothing_of_ours_is_in_the_users_history remote_sh::the_place_is_for_the_user_alone",
    ),
    Way(
        "Token and cookies in the log",
        "never, whatever fails",
        f"{_ANY_STEP} {_STAYS} secrets::nothing_that_is_logged_holds_a_secret secrets::no_failure_holds_a_secret",
    ),
    Way(
        "The wrong domain",
        "the event's own; another than the configured one is skipped",
        "app_event::another_domain_is_ignored by_hand::an_unknown_domain_ends_with_3",
    ),
    Way(
        "The server culls terminals that are silent",
        "ours says something every second; if it is culled all the same, a new one is opened",
        "matrix::a_culled_terminal_does_not_matter",
    ),
    Way("The clock is set", "only monotonic time is used", "deadline::real_time_is_what_passes_by_default"),
    Way(
        "Another version of the server",
        "the engine runs on each that Studio has had",
        "servers::statuses_come_back_and_no_terminal_is_left",
        "versions to come",
    ),
)


def node(test: str) -> tuple[str, str]:
    """The file and the function of a test named here."""
    place, _, function = test.partition("::")
    folder, _, file = place.rpartition("/")
    folders = [folder] if folder else ["emulated", "unit"]
    paths = [f"tests/{one}/test_{file}.py" for one in folders]
    return next((path for path in paths if (_ROOT / path).exists()), paths[0]), f"test_{function}"
