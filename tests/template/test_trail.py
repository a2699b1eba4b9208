"""The trail: only where wanted, as small as possible, and its bucket closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.stack import Stack
    from tests.support.stack_fixtures import Deploy

TRAIL_ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/studio-setup"


@pytest.fixture(scope="module")
def statements(default_stack: Stack) -> dict[str, dict[str, Any]]:
    """The bucket policy's statements by their Sid."""
    policy = default_stack.properties("TrailBucketPolicy")
    assert policy["Bucket"] == "TrailBucket"
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def test_no_trail_where_none_is_wanted(deploy: Deploy) -> None:
    """CreateTrail=false leaves out trail, bucket, policy and output, and nothing else."""
    without, with_trail = deploy(CreateTrail="false"), deploy(CreateTrail="true")
    assert with_trail.resources.keys() - without.resources.keys() == {
        "Trail",
        "TrailBucket",
        "TrailBucketPolicy",
    }
    assert with_trail.outputs.keys() - without.outputs.keys() == {"TrailBucketName"}


def test_the_trail_logs_write_management_events_only(default_stack: Stack) -> None:
    """CreateApp is a write; everything else that costs is left out, and the log files can be verified."""
    trail = {key: value for key, value in default_stack.properties("Trail").items() if key != "Tags"}
    assert trail == {
        "TrailName": "studio-setup",
        "S3BucketName": "TrailBucket",
        "IsLogging": True,
        "IsMultiRegionTrail": False,
        "IncludeGlobalServiceEvents": False,
        "EnableLogFileValidation": True,
        "EventSelectors": [
            {
                "ReadWriteType": "WriteOnly",
                "IncludeManagementEvents": True,
                "ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"],
            }
        ],
    }


def test_the_trail_is_created_after_the_buckets_policy(default_stack: Stack) -> None:
    """CloudTrail tries to write when it is created, so the bucket's policy comes first."""
    assert default_stack.resources["Trail"]["DependsOn"] == "TrailBucketPolicy"


def test_only_this_trail_may_use_the_bucket(statements: dict[str, dict[str, Any]]) -> None:
    """Both of CloudTrail's statements name this trail, so no other account's trail can write here."""
    looks, writes = statements["TrailLooksAtBucket"], statements["TrailWritesLogs"]
    assert looks["Principal"] == writes["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert looks["Action"] == "s3:GetBucketAcl"
    assert looks["Resource"] == "TrailBucket.Arn"
    assert looks["Condition"] == {"StringEquals": {"aws:SourceArn": TRAIL_ARN}}
    assert writes["Action"] == "s3:PutObject"
    assert writes["Resource"] == "TrailBucket.Arn/AWSLogs/111122223333/*"
    assert writes["Condition"] == {
        "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": TRAIL_ARN}
    }


def test_the_bucket_is_reached_over_tls_only(statements: dict[str, dict[str, Any]]) -> None:
    """Plain HTTP is refused for the bucket and all that is in it, and nobody else is admitted."""
    assert statements.keys() == {"TlsOnly", "TrailLooksAtBucket", "TrailWritesLogs"}
    refuse = statements["TlsOnly"]
    assert refuse["Effect"] == "Deny"
    assert refuse["Principal"] == "*"
    assert refuse["Action"] == "s3:*"
    assert refuse["Resource"] == ["TrailBucket.Arn", "TrailBucket.Arn/*"]
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_bucket_is_private_encrypted_and_its_files_expire(deploy: Deploy) -> None:
    """No public access, no ACLs, encryption, and log files that expire."""
    bucket = deploy(TrailExpirationInDays="7").properties("TrailBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rule, markers = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == markers["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == "7"


def test_a_deleted_log_file_can_be_restored_for_a_week(default_stack: Stack) -> None:
    """Versions are kept for a week after deletion and then expire too, so the bucket empties itself."""
    bucket = default_stack.properties("TrailBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rule, markers = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert markers["ExpiredObjectDeleteMarker"] is True
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize("name", ["TrailBucket", "TrailBucketPolicy"])
def test_the_audit_log_outlives_the_stack(default_stack: Stack, name: str) -> None:
    """Deleting the stack keeps the bucket, and keeps it closed."""
    kept = default_stack.resources[name]
    assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")
