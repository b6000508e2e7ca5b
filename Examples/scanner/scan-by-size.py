#!/usr/bin/python3
"""A scanner of one's own for `scan.program`: refuses files of one form that are larger than they have to be.

Waggle hands over the file on standard input, its size in WAGGLE_SIZE and the form that it recognised in WAGGLE_FORMAT. What is
printed is one JSON object, and the exit code is 0 whatever was found; anything else is a scanner that failed, and the file is
looked at again later. It runs without a network and sees this folder, /usr and the file, nothing else.

Try it:  WAGGLE_SCAN_PROGRAM=$PWD/scan-by-size.py waggle mod scan FILE --json
"""

import json
import os
import sys

LIMITS = {"pickle": 64 << 20, "picture": 32 << 20}

form, size = os.environ["WAGGLE_FORMAT"], int(os.environ["WAGGLE_SIZE"])
findings = []
if size > LIMITS.get(form, size):
    findings.append({"detail": f"a {form} of {size} bytes is larger than it has to be"})
# Every byte of it could be looked at, as it comes.
if b"do not share" in sys.stdin.buffer.read(1 << 20).lower():
    findings.append({"detail": "its beginning says that it is not to be shared"})
print(json.dumps({"verdict": "danger" if findings else "safe", "findings": findings}))
