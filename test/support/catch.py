#!/usr/bin/python3
"""Runs the Catch2 programs build/test/PREFIX_* two at a time and prints a line per test case.

    catch.py PREFIX [--build DIR]
"""
import concurrent.futures
import glob
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cloud import TOP, write_result  # noqa: E402

LIMIT_SECONDS = int(os.environ.get("CATCH_LIMIT", "750"))


def read(report):
    """Test cases of a report that may have been cut short: [(outcome, sentence, seconds, detail)], and the sentence of the one that was running."""
    cases, running = [], None
    parser = ElementTree.XMLPullParser(["start", "end"])
    try:
        with open(report, "rb") as file:
            parser.feed(file.read())
    except (OSError, ElementTree.ParseError):
        pass
    for event, element in parser.read_events():
        if element.tag != "TestCase":
            continue
        sentence = element.get("name")
        if event == "start":
            running = sentence
            continue
        running = None
        overall = element.find("OverallResult")
        good = overall is not None and overall.get("success") == "true"
        detail = []
        for part in element.iter():
            if part.tag == "Section" and part.find("./Expression") is not None:
                detail.append(f"in: {part.get('name')}")
            elif part.tag == "Expression" and part.get("success") == "false":
                detail.append(f"{part.get('filename')}:{part.get('line')}: {(part.findtext('Original') or '').strip()}"
                              f"  with  {(part.findtext('Expanded') or '').strip()}")
                detail += [f"{thrown.tag}: {(thrown.text or '').strip()}" for thrown in part.findall("Exception")]
            elif part.tag in ("Failure", "FatalErrorCondition", "Info") or (part.tag == "Exception" and part.get("line") and not good):
                detail.append(f"{part.tag} {part.get('filename') or ''}:{part.get('line') or ''}: {(part.text or '').strip()}")
        seconds = float(overall.get("durationInSeconds") or 0) if overall is not None else 0.0
        cases.append(("ok" if good else "FAILED", sentence, seconds, "" if good else "\n".join(dict.fromkeys(detail))))
    return cases, running


def run(program):
    name = os.path.basename(program)
    with tempfile.TemporaryDirectory(prefix="catch.") as folder:
        report = os.path.join(folder, "report.xml")
        try:
            done = subprocess.run([program, "--reporter", "xml", "--out", report, "--durations", "yes"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS, env=dict(os.environ, TMPDIR=folder))
            code, output = done.returncode, done.stdout
            ending = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        except subprocess.TimeoutExpired as late:
            code, output = -1, late.stdout or b""
            ending = f"not done after {LIMIT_SECONDS} s"
        cases, running = read(report)
        tail = output.decode(errors="replace")[-4000:]
        if running or (code != 0 and all(outcome == "ok" for outcome, *_ in cases)):
            cases.append(("FAILED", running or f"{name} as a whole", 0.0, f"{ending}\n{tail}"))
        if not cases:
            cases.append(("FAILED", f"{name} as a whole", 0.0, f"it has no test case\n{tail}"))
        return name, cases


def main():
    prefix = sys.argv[1]
    build = sys.argv[sys.argv.index("--build") + 1] if "--build" in sys.argv else os.path.join(TOP, "build")
    programs = sorted(p for p in glob.glob(os.path.join(build, "test", prefix + "_*")) if os.access(p, os.X_OK) and os.path.isfile(p))
    passed = failed = 0
    if not programs:
        print(f"FAILED there is no {build}/test/{prefix}_*: nothing was built")
        failed = 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, cases in pool.map(run, programs):
            for outcome, sentence, seconds, detail in cases:
                print(f"{outcome} {name}: {sentence} ({seconds:.2f} s)")
                if detail:
                    print("    " + detail.strip().replace("\n", "\n    "))
                passed += outcome == "ok"
                failed += outcome != "ok"
            sys.stdout.flush()
    write_result(passed, failed, 0)
    print(f"{prefix}: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
