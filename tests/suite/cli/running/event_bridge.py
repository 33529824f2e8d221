"""Stands in for CloudFormation, which the emulator does not have here: makes the queue and the rules of a template, and
sends events through EventBridge.

    event_bridge.py ENDPOINT make TEMPLATE    prints the URL of the queue
    event_bridge.py ENDPOINT send             sends the events on standard input, a JSON array of EventBridge's own form
"""

import json
import sys

import boto3
import yaml

endpoint, verb, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
session = boto3.Session("test", "test", region_name="eu-west-1")
events, sqs = (session.client(name, endpoint_url=endpoint) for name in ("events", "sqs"))


def make(template):
    with open(template, encoding="utf-8") as file:
        resources = yaml.safe_load(file)["Resources"]
    queue = resources["Queue"]["Properties"]
    kept = ("MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout")
    dead = sqs.create_queue(QueueName="portolan-events-dead")["QueueUrl"]
    dead = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"deadLetterTargetArn": dead, "maxReceiveCount": queue["RedrivePolicy"]["maxReceiveCount"]}
    attributes = {name: str(queue[name]) for name in kept} | {"RedrivePolicy": json.dumps(redrive)}
    url = sqs.create_queue(QueueName="portolan-events", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Events::Rule":
            events.put_rule(Name=name, EventPattern=json.dumps(resource["Properties"]["EventPattern"]))
            events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    print(url)


def send():
    entries = [
        {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Resources": event["resources"],
            "Detail": json.dumps(event["detail"]),
        }
        for event in json.load(sys.stdin)
    ]
    for start in range(0, len(entries), 10):
        answer = events.put_events(Entries=entries[start : start + 10])
        assert answer["FailedEntryCount"] == 0, answer


{"make": make, "send": send}[verb](*rest)
