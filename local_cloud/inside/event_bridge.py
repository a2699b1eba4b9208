"""What ministack's EventBridge lacks: events of AWS's own services, and Lambda's retries for what it delivers."""

from __future__ import annotations

import functools
import json

from ministack.services import eventbridge, lambda_svc


def deliver_as_aws_does() -> None:
    """Take any event (the sender stands in for CloudTrail), and invoke functions asynchronously in every respect."""
    eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)
    eventbridge._dispatch_to_lambda = _invoke_asynchronously


def _invoke_asynchronously(arn: str, payload: str) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        eventbridge.logger.warning("no function %s to deliver to", name)
        return
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))
