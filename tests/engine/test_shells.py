"""Whatever shell and start-up files the user has, a command's exit status is reported."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.app_host import StartOptions
from emulator.studio import LocalStudio
from studio_setup.model.outcomes import Outcome
from tests.support.needs import needs
from tests.support.scenario import Place, Scenario, statuses

SHELLS = ["bash", "dash", "sh", "zsh", "fish"]
NOISE = "(for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo noise; sleep 0.05; done) &\n"
BASHRC = {
    "prints": "echo Welcome; echo 'bash-4.2$ '\n",
    "prints-on": NOISE,
    "sleeps": "sleep 3\n",
    "asks": "read -r -p 'Your name? ' name\n",
    "asks-twice": "read -r -p 'Name? ' a; read -r -p 'Sure? ' b\n",
    "colours": r"PS1='\[\e]0;\u@\h: \w\a\]\[\e[01;32m\]\u@\h\[\e[00m\]:\[\e[1;34m\]\w\[\e[00m\]\$ '" + "\nexport PS1\n",
    "rewrites-ps1": "PROMPT_COMMAND='PS1=\"\\t $ \"'\nexport PROMPT_COMMAND\n",
    "conda": "conda() { :; }\nexport -f conda\nexport CONDA_SHLVL=1 CONDA_PROMPT_MODIFIER='(base) '\n"
    'PS1="(base) $PS1"\nexport PS1 PROMPT_COMMAND=\'PS1="(base) ${PS1#(base) }"\'\n',
    "set-e": "set -e\n",
    "vi": "set -o vi\n",
    "tmout": "export TMOUT=1\n",
    "read-only": "readonly TMOUT=300 PS1 PS2 HISTFILE PROMPT_COMMAND=:\nexport TMOUT PS1 PS2 HISTFILE PROMPT_COMMAND\n",
    "aliases": "alias cat=false kill=false cd=false read=false echo=false printf=false\nshopt -s expand_aliases\n",
    "functions": 'for f in cat kill cd read echo printf; do eval "$f() { return 1; }"; export -f $f; done\n',
    "options": "set -o vi -o noclobber -o nounset\nexport SHELLOPTS CDPATH=/:/usr GREP_OPTIONS=--color=always\n",
    "traps": "trap 'echo trapped' DEBUG EXIT ERR INT\n",
    "exec-sh": "exec sh\n",
    "exec-zsh": "exec zsh -f\n",
    "exec-fish": "exec fish --no-config\n",
    "no-echo": "stty -echo raw\n",
}
ZSHRC = {
    "prints": "echo Welcome; print -P '%F{green}%n@%m%f %# '\n",
    "asks": 'read "name?Your name? "\n',
    "prompts": "PROMPT='%F{cyan}%~%f » ' RPROMPT='%F{red}%* %?%f'\nsetopt promptsubst transientrprompt\n"
    "precmd() { PS1='(base) %# '; print -n '\\e]0;title\\a' }\npreexec() { echo \"runs $1\" }\n",
    "vi": "bindkey -v\nzle-keymap-select() { print -n '\\e[2 q' }\nzle -N zle-keymap-select\n",
    "options": "setopt errexit nounset noclobber correctall ignoreeof\nTMOUT=1\nalias -g cat=false\n",
}
FISH = {
    "prints": "echo Welcome\nfunction fish_greeting; echo 'Hello, '(whoami); end\n",
    "asks": "read --prompt-str 'Your name? ' name\n",
    "prompts": "function fish_prompt; set_color green; echo -n '» '; set_color normal; end\n"
    "function fish_right_prompt; date; end\nfunction fish_title; echo title; end\n",
    "vi": "fish_vi_key_bindings\nalias cat false\nfunction cd; end\n",
}
FILES = {"bash": (".bashrc", BASHRC), "zsh": (".zshrc", ZSHRC), "fish": (".config/fish/config.fish", FISH)}
START_UP = [(shell, name) for shell, (_, texts) in FILES.items() for name in texts]


@pytest.fixture(scope="module")
def app_of_all_shells(studio: LocalStudio) -> Iterator[Scenario]:
    """An app, shared by the tests of this module, whose terminals run the program that `~/program` names."""
    shell = ("/bin/sh", "-c", 'exec "$(cat ~/program)"')
    scenario = Scenario(studio, Place(studio.add_user_profile("all-shells")), StartOptions(shell=shell))
    scenario.start()
    yield scenario.ready()
    scenario.app.delete()


@pytest.fixture
def start_shell(app_of_all_shells: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scenario]]:
    """A function that gives the user a shell, and a start-up file in an otherwise empty home."""
    scenario = app_of_all_shells
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", scenario.studio.sagemaker_endpoint)

    def start(shell: str, path: str = "", text: str = "") -> Scenario:
        program = needs(shell)
        for left in scenario.home.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        (scenario.home / "program").write_text(program)
        if text:
            (scenario.home / path).parent.mkdir(parents=True, exist_ok=True)
            (scenario.home / path).write_text(text)
        return scenario

    yield start
    assert scenario.app.terminals() == [], "a terminal of ours was left open"


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell(start_shell: Callable[..., Scenario], shell: str) -> None:
    """The user may have any of these shells."""
    assert statuses(start_shell(shell).set_up("echo hello", "exit 42", claims_start=False)) == [0, 42]


@pytest.mark.parametrize(("shell", "name"), START_UP)
def test_any_start_up_file(start_shell: Callable[..., Scenario], shell: str, name: str) -> None:
    """The start-up file of the user's shell may do any of these things."""
    if name.startswith("exec-"):
        needs(name.removeprefix("exec-"))
    path, texts = FILES[shell]
    scenario = start_shell(shell, path, texts[name])
    assert statuses(scenario.set_up("echo hello", "exit 42", claims_start=False)) == [0, 42]


def test_a_home_that_is_slow_to_read(start_shell: Callable[..., Scenario]) -> None:
    """A start-up file is read slowly, past our first line: the line is typed again until the shell reads it."""
    scenario = start_shell("bash")
    pipe = scenario.home / ".bashrc"
    os.mkfifo(pipe)
    threading.Thread(target=_feed_slowly, args=[pipe], daemon=True).start()
    assert statuses(scenario.set_up("exit 42", claims_start=False)) == [42]


def _feed_slowly(pipe: Path) -> None:
    with pipe.open("w") as file:
        for line in ("PS1='slow $ '\n", "echo awake\n", "stty sane\n"):
            file.write(line)
            file.flush()
            time.sleep(0.8)  # in all, longer than the first line is given


def test_a_space_with_start_up_files_of_its_own(shared_app: Callable[..., Scenario]) -> None:
    """JupyterLab's terminals read the home's .bashrc, which may do many of these things at once."""
    bashrc = "".join(BASHRC[name] for name in ("prints", "colours", "rewrites-ps1", "conda", "aliases", "vi", "tmout"))
    scenario = shared_app("JupyterLab", files={".bashrc": bashrc + BASHRC["asks"]})
    assert statuses(scenario.set_up("echo hello", "exit 42")) == [0, 42]


def test_a_shell_that_ends_by_itself_is_reported(start_shell: Callable[..., Scenario]) -> None:
    """A .bashrc that exits makes the app unreachable, with a code that says why, before the time is up."""
    report = start_shell("bash", ".bashrc", "exit 1\n").set_up("true", claims_start=False)
    assert report.outcome is Outcome.UNREACHABLE
    assert report.code == "shell-silent"
