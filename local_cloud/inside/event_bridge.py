"""Adds to ministack's EventBridge: events of AWS's own services, and Lambda's retries of asynchronous invocations."""

from __future__ import annotations

import functools
import json

from ministack.services import eventbridge, lambda_svc


def deliver_as_aws_does() -> None:
    """Accept events of `aws.*` sources, which the trail sends, and invoke functions asynchronously with retries."""
    eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)
    eventbridge._dispatch_to_lambda = _invoke_asynchronously


def _invoke_asynchronously(arn: str, payload: str) -> None:
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        eventbridge.logger.warning("there is no function %s to deliver an event to", name)
        return
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))
