"""Jobs for the tests of isolation; in a module of its own because worker processes import it."""

import os
import pickle
import signal
import time
from pathlib import Path


class Obedient:
    """Records are commands; what is not a command is answered."""

    def __init__(self, folder=None):
        self.folder = folder

    def start(self):
        pass

    def records(self, block):
        return pickle.loads(block)  # noqa: S301

    def process(self, record):  # noqa: C901 - a list of misdeeds
        match record:
            case "segfault":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "abort":
                os.abort()
            case "exit":
                os._exit(3)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "spin":
                while True:
                    pass
            case "sleep":
                time.sleep(600)
            case "memory":
                return len(bytearray(64 * 2**30))
            case "noise":
                print("to stdout")
                os.write(1, b"to file descriptor 1\n")
                os.write(2, b"to file descriptor 2\n")
            case "once":  # dies the first time only, as if the machine had killed it
                marker = Path(self.folder) / "died"
                if not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case "slow":
                until = time.process_time() + 0.3
                while time.process_time() < until:
                    pass
        return f"done {record}"

    def failed(self, record, reason_code, detail):
        return f"{reason_code} {record}"

    def pack(self, results):
        return pickle.dumps(results)


class DiesBetweenRecords(Obedient):
    def records(self, block):
        os.abort()


class DoesNotStart(Obedient):
    def start(self):
        msg = "no such library"
        raise OSError(msg)
