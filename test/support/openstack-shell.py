"""The real openstack command, again and again in one process, since starting it takes more than a second: reads argument lists as JSON, one a line, and
writes for each {"code", "stdout", "stderr"}.
"""

import contextlib
import io
import json
import logging
import sys

from openstackclient import shell

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    # Each run adds a handler of its own.
    logging.getLogger().handlers.clear()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.main(json.loads(line))
        except SystemExit as exit:
            code = exit.code
    print(json.dumps({'code': code, 'stdout': out.getvalue(), 'stderr': err.getvalue()}), flush=True)
