"""The example `home_backup`: the home comes back in a new space, and a backup is never replaced by less."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.studio import DOMAIN_ID
from examples.setups import home_backup
from studio_setup.model.setup import Command
from tests.support.disks import small_disks
from tests.support.example_services import Aws, SetUp, install_aws_command
from tests.support.scenario import Place, Scenario, statuses

BUCKET = "homes"
KEY = f"backups/{DOMAIN_ID}/examples/home.tar.gz"
NEW_SPACE = {".bashrc": "# the image's\n"}


class Storage:
    """The bucket with the backups."""

    def __init__(self, aws: Aws) -> None:
        self.environment = aws.environment
        self.client = aws.client("s3")

    @property
    def keys(self) -> list[str]:
        """What is in it."""
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    def names(self) -> list[str]:
        """The names in the backup."""
        content = self.client.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            return archive.getnames()


@pytest.fixture
def storage(aws: Aws) -> Iterator[Storage]:
    """A bucket, empty in the end."""
    storage = Storage(aws)
    storage.client.create_bucket(Bucket=BUCKET)
    yield storage
    for key in storage.keys:
        storage.client.delete_object(Bucket=BUCKET, Key=key)
    storage.client.delete_bucket(Bucket=BUCKET)


def commands(app: Scenario, max_mib: int = 2048) -> tuple[Command, ...]:
    """The example."""
    return home_backup.commands(app.name, f"s3://{BUCKET}/backups", max_mib=max_mib)


def write_work(app: Scenario) -> None:
    """What a user has in a home."""
    (app.home / "work").mkdir()
    (app.home / "work" / "grüße und mehr.txt").write_text("mine\n")
    (app.home / "work" / "run.sh").write_text("#!/bin/sh\n")
    (app.home / "work" / "run.sh").chmod(0o750)
    (app.home / "work" / "link").symlink_to("run.sh")
    (app.home / ".ssh").mkdir()
    (app.home / ".ssh" / "id_ed25519").write_text("secret")


def test_a_new_space_gets_the_home_back(app: Scenario, set_up: SetUp, storage: Storage) -> None:
    """What the last session left is there again, with modes and links; what the new home has already is kept."""
    write_work(app)
    for _ in range(2):
        report, printed = set_up(*commands(app))
        assert statuses(report) == [0], printed
        assert storage.keys == [KEY]
    assert "Restored" not in printed
    assert not any(".ssh" in name for name in storage.names())
    app.reset(NEW_SPACE)
    report, printed = set_up(*commands(app))
    assert statuses(report) == [0], printed
    assert "Restored the home" in printed
    assert (app.home / "work" / "grüße und mehr.txt").read_text() == "mine\n"
    assert (app.home / "work" / "run.sh").stat().st_mode & 0o777 == 0o750
    assert (app.home / "work" / "link").readlink().name == "run.sh"
    assert (app.home / ".bashrc").read_text() == NEW_SPACE[".bashrc"]


def test_what_was_deleted_does_not_come_back_in_the_same_home(app: Scenario, set_up: SetUp, storage: Storage) -> None:
    """A home is restored once; later starts only back it up."""
    write_work(app)
    set_up(*commands(app))
    (app.home / "work" / "run.sh").unlink()
    set_up(*commands(app))
    assert not (app.home / "work" / "run.sh").exists()
    assert not any(name.endswith("run.sh") for name in storage.names())


def test_where_s3_cannot_be_asked_a_new_home_replaces_no_backup(app: Scenario, set_up: SetUp, storage: Storage) -> None:
    """S3 is away when a new space starts: the setup fails; when it is back, the home is restored."""
    write_work(app)
    set_up(*commands(app))
    app.reset(NEW_SPACE)
    (command,) = commands(app)
    nowhere = {**command.environment, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
    report, printed = set_up(replace(command, environment=nowhere))
    assert statuses(report) == [1]
    assert "a gateway endpoint for S3" in printed
    report, printed = set_up(command)
    assert statuses(report) == [0], printed
    assert (app.home / "work" / "run.sh").exists()
    assert any(name.endswith("run.sh") for name in storage.names())


def test_without_a_bucket_the_setup_says_what_the_role_needs(app: Scenario, set_up: SetUp) -> None:
    """No such bucket is no reason to think that there is no backup."""
    report, printed = set_up(*commands(app))
    assert statuses(report) == [1]
    assert "NoSuchBucket" in printed
    assert "s3:ListBucket" in printed


def test_a_home_that_is_too_large_is_not_backed_up(app: Scenario, set_up: SetUp, storage: Storage) -> None:
    """The limit is on what is backed up; what is left out does not count."""
    write_work(app)
    (app.home / ".cache").mkdir()
    (app.home / ".cache" / "big").write_bytes(os.urandom(2 * 1024**2))
    assert statuses(set_up(*commands(app, max_mib=1))[0]) == [0]
    (app.home / "big").write_bytes(os.urandom(2 * 1024**2))
    report, printed = set_up(*commands(app, max_mib=1))
    assert statuses(report) == [1]
    assert "more than 1, and is not backed up" in printed
    assert not any(name.endswith("big") for name in storage.names())


def test_a_full_disk_leaves_the_backup_as_it_is(
    app: Scenario, start_app: Callable[..., Scenario], space: Place, tmp_path: Path, storage: Storage
) -> None:
    """Where the backup does not fit, there is no half file, and the home does not count as restored or replace it."""
    (app.home / "big").write_bytes(os.urandom(3 * 1024**2))
    app.set_up(*commands(app), claims_start=False)
    with small_disks({tmp_path: "size=2m"}) as disks:
        environment = {**storage.environment, "HOME": str(tmp_path)}
        small = start_app(place=space, launcher=disks.enter, environment=environment)
        install_aws_command(small.app.tmp.parent / "env" / "bin")
        report = small.set_up(*commands(app), claims_start=False)
        assert statuses(report) == [1]
        assert b"The backup cannot be restored." in small.log(report, "back-up-home")
        assert not (disks.inside(tmp_path) / "big").exists()
        assert not (disks.inside(tmp_path) / ".local/share/studio-setup/restored-from").exists()
    assert storage.keys == [KEY]
    assert "./big" in storage.names()
