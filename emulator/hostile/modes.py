"""Every mode, by the layer that misbehaves."""

from __future__ import annotations

from emulator.hostile.api_modes import API_MODES
from emulator.hostile.front_door_modes import DOOR_MODES
from emulator.hostile.mode import Mode
from emulator.hostile.rest_modes import REST_MODES
from emulator.hostile.shell_modes import SHELL_MODES
from emulator.hostile.terminal_modes import TERMINAL_MODES

MODES: dict[str, tuple[Mode, ...]] = {
    "SageMaker API": API_MODES,
    "front door": DOOR_MODES,
    "Jupyter's REST API": REST_MODES,
    "websocket": TERMINAL_MODES,
    "shell": SHELL_MODES,
}
