"""Runs Tempest tests class by class: reads {"class": …, "tests": […]} lines, answers with a line per test and {"done": true}.

A process of its own, because Tempest keeps its configuration and caches in the module, and so that a class that hangs can be killed.
"""
import importlib
import json
import os
import sys
import time
import types
import unittest

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def say(**fields):
    answers.write(json.dumps(fields) + "\n")


class Report(unittest.TestResult):
    """One line per test. Trouble in setUpClass belongs to every test of the class that has not run."""

    def __init__(self, planned):
        super().__init__()
        self.waiting = set(planned)
        self.began = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def close(self, test, outcome, detail=""):
        name = getattr(test, "_testMethodName", None)
        seconds = round(time.monotonic() - self.began, 2)
        if name in self.waiting:
            self.waiting.discard(name)
            say(test=name, outcome=outcome, seconds=seconds, detail=detail)
        elif name is None:          # setUpClass or tearDownClass
            if self.waiting:
                for left in sorted(self.waiting):
                    say(test=left, outcome=outcome, seconds=seconds, detail=detail)
                    seconds = 0
                self.waiting.clear()
            elif outcome == "FAILED":
                say(test="tearDownClass", outcome=outcome, seconds=seconds, detail=detail)

    def addSuccess(self, test, details=None):
        self.close(test, "ok")

    def addSkip(self, test, reason=None, details=None):
        if reason is None and details and "reason" in details:
            reason = details["reason"].as_text()
        self.close(test, "skipped", reason or "")

    def addFailure(self, test, err=None, details=None):
        self.close(test, "FAILED", self.text(test, err, details))

    addError = addFailure

    def addExpectedFailure(self, test, err=None, details=None):
        self.close(test, "ok")

    def addUnexpectedSuccess(self, test, details=None):
        self.close(test, "FAILED", "it should have failed")

    def text(self, test, err, details):
        if err:
            return self._exc_info_to_string(err, test)
        return "\n".join(content.as_text() for name, content in (details or {}).items() if "traceback" in name.lower())


def without_patience():
    """Tempest sleeps 10 s before each deletion of a subnet, for clouds that still have ports there when they say that they haven't."""
    from tempest.lib.services.network import subnets_client
    subnets_client.time = types.SimpleNamespace(sleep=lambda seconds: None)


def main():
    without_patience()
    loader = unittest.TestLoader()
    for line in sys.stdin:
        order = json.loads(line)
        module, _, name = order["class"].rpartition(".")
        try:
            cls = getattr(importlib.import_module(module), name)
            known = set(loader.getTestCaseNames(cls))
            for missing in [test for test in order["tests"] if test not in known]:
                say(test=missing, outcome="FAILED", seconds=0, detail="this Tempest has no such test")
            planned = [test for test in order["tests"] if test in known]
            report = Report(planned)
            unittest.TestSuite([cls(test) for test in planned]).run(report)
            for left in sorted(report.waiting):
                say(test=left, outcome="FAILED", seconds=0, detail="it gave no result")
        except Exception as error:      # noqa: BLE001  a class that cannot be imported is a result as well
            for test in order["tests"]:
                say(test=test, outcome="FAILED", seconds=0, detail=repr(error))
        say(done=True)


main()
