#!/usr/bin/env python3
"""Breaks the EGM logic and the models on purpose, one mutant at a time, and sees that a test fails.

Reads mutants.txt beside it, copies the tracked files to build-mutants/src, builds the test programs once, and then for
each mutant: replaces its text, builds, runs the programs until one fails, and puts the text back. A mutant that no test
notices has survived; one whose text is not there exactly once, or that does not compile, is an error of the list.

A mutant may name the tests that are to notice it, as "models/LinkCreditTest.*": the folder under tests/ and a filter of
GoogleTest. They run one process each, since a SystemC kernel cannot be reset. Without a name all of PROGRAMS run.

    tests/mutants/run.py              all mutants
    tests/mutants/run.py NAME...      these
    tests/mutants/run.py --list       their names

Exit status: 0 all caught; 1 a mutant survived; 2 the list is wrong, or the tests fail without a mutant.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build-mutants"
PROGRAMS = ["test_egm", "test_linux", "test_contract", "test_properties"]
SECONDS_MAX = 300  # a mutant may hang; the unbroken programs take seconds


class ListError(Exception):
    pass


class Mutant:
    """One replacement: `old`, which is in `file` exactly once, by `new`. `tests` that notice it; empty: all programs."""

    def __init__(self, name, file, old, new, tests):
        self.name, self.file, self.old, self.new, self.tests = name, file, old, new, tests


def read_mutants(path):
    """Blocks of "name:", "file:", perhaps "tests:", lines of "- old" and of "+ new", between empty lines; # a comment."""
    mutants = []
    for block in re.split(r"\n\s*\n", path.read_text()):
        fields, old, new = {}, [], []
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith("- ") or line == "-":
                old.append(line[2:])
            elif line.startswith("+ ") or line == "+":
                new.append(line[2:])
            elif match := re.fullmatch(r"(name|file|tests): (.+)", line):
                fields[match[1]] = match[2]
            else:
                raise ListError(f"{path.name}: cannot read the line: {line}")
        if not fields and not old:
            continue
        tests = fields.pop("tests", "").split()
        if set(fields) != {"name", "file"} or not old:
            raise ListError(f"{path.name}: a mutant needs name, file and at least one - line: {block.strip()[:80]}")
        mutants.append(Mutant(fields["name"], fields["file"], "\n".join(old), "\n".join(new), tests))
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise ListError(f"{path.name}: two mutants are called {name}")
    return mutants


def copy_sources(source):
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        if not name or not (ROOT / name).is_file():
            continue
        target = source / name
        text = (ROOT / name).read_bytes()
        if not target.exists() or target.read_bytes() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
            shutil.copymode(ROOT / name, target)


def programs(tests):
    return sorted({"test_" + test.split("/")[0] for test in tests}) or PROGRAMS


def build(targets):
    """The compiler's complaint, or None."""
    done = subprocess.run(["cmake", "--build", WORK / "build", "--target", *targets], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout[-3000:]


def one_by_one(test):
    """Arguments that run each of the tests that "folder/filter" names, one a process."""
    folder, pattern = test.split("/", 1)
    program = WORK / "build" / f"test_{folder}"
    listed = subprocess.run([program, f"--gtest_filter={pattern}", "--gtest_list_tests"], capture_output=True,
                            text=True, check=True).stdout
    suite, commands = "", []
    for line in (line.split("#")[0].rstrip() for line in listed.splitlines()):
        if line.startswith(" "):
            commands.append([program, f"--gtest_filter={suite}{line.strip()}"])
        else:
            suite = line
    if not commands:
        raise ListError(f"there is no test {test}")
    return commands


def first_failure(source, tests):
    """The name of the first test that fails, or None."""
    commands = [command for test in tests for command in one_by_one(test)] or [[WORK / "build" / name]
                                                                              for name in PROGRAMS]
    for command in commands:
        try:
            done = subprocess.run([*command, "--gtest_brief=1", "--gtest_fail_fast"], cwd=source, capture_output=True,
                                  text=True, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return f"{command[0].name} (does not end)"
        if done.returncode != 0:
            failed = re.search(r"\[  FAILED  \] (\S+?)[,\s]", done.stdout)
            return f"{command[0].name} {failed[1] if failed else f'(exit status {done.returncode})'}"
    return None


def try_mutant(mutant, source):
    """(verdict, detail); verdict is "caught", "survived" or "error"."""
    path = source / mutant.file
    if not path.is_file():
        return "error", f"no file {mutant.file}"
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return "error", f"its text is {text.count(mutant.old)} times in {mutant.file}"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        if complaint := build(programs(mutant.tests)):
            return "error", "it does not compile:\n" + complaint
        failure = first_failure(source, mutant.tests)
        return ("caught", "by " + failure) if failure else ("survived", "")
    finally:
        path.write_text(text)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="*", metavar="NAME")
    arguments.add_argument("--list", action="store_true", help="print the names of the mutants")
    given = arguments.parse_args()

    mutants = read_mutants(HERE / "mutants.txt")
    unknown = set(given.names) - {mutant.name for mutant in mutants}
    if unknown:
        raise ListError("no such mutant: " + ", ".join(sorted(unknown)))
    if given.names:
        mutants = [mutant for mutant in mutants if mutant.name in given.names]
    if given.list:
        print("\n".join(mutant.name for mutant in mutants))
        return 0

    source = WORK / "src"
    copy_sources(source)
    subprocess.run(["cmake", "-S", source, "-B", WORK / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DBUILD_TESTING=ON", "-DCMAKE_CXX_FLAGS=-w"], check=True, stdout=subprocess.DEVNULL)
    unbroken = sorted({tuple(mutant.tests) for mutant in mutants})
    if complaint := build(sorted({program for tests in unbroken for program in programs(tests)})):
        raise ListError("the sources do not compile:\n" + complaint)
    for tests in unbroken:
        if failure := first_failure(source, tests):
            raise ListError("a test fails without any mutant: " + failure)

    counts = {"caught": 0, "survived": 0, "error": 0}
    for number, mutant in enumerate(mutants, 1):
        begin = time.monotonic()
        verdict, detail = try_mutant(mutant, source)
        counts[verdict] += 1
        print(f"{number:3}/{len(mutants)} {verdict:8} {mutant.name} {detail} ({time.monotonic() - begin:.0f} s)",
              flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 2 if counts["error"] else 1 if counts["survived"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ListError as error:
        print(f"mutants: {error}", file=sys.stderr)
        sys.exit(2)
