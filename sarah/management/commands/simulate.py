"""`manage.py simulate`: generate bot traffic, and write it to a file or send it."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from sarah.management.sending import INTERRUPTED, SendingCommand, positive_int
from sarah.simulator.conversations import conversations, whatsapp_names
from sarah.simulator.deliveries import with_deliveries
from sarah.simulator.traffic import to_line


class Command(SendingCommand):
    help = (
        "Simulate Sarah's traffic, Indonesian and English conversations with all outcomes, and "
        "write it to a file or send it to a server. The same seed makes the same traffic."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--conversations",
            type=positive_int,
            default=60,
            metavar="N",
            help="number of conversations (default: %(default)s)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="random seed (default: %(default)s)"
        )
        parser.add_argument(
            "--kapso",
            metavar="SLUG",
            help="also play Kapso: deliver what leads write to this workspace, some of it from "
            "people who hide their number",
        )
        parser.add_argument(
            "--kapso-secret", help="signs the deliveries; default: LEADSYNC_KAPSO_SECRET"
        )
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument(
            "--out", metavar="FILE.jsonl", help="write the requests to this file; - is stdout"
        )
        self.add_base_url(target)
        self.add_sending_arguments(parser)

    def handle(self, *, seed: int, out: str | None, **options: Any) -> None:
        count = options["conversations"]
        traffic = _traffic(count, seed=seed, kapso=options["kapso"])
        if out is None:
            total = sum(1 for _ in _traffic(count, seed=seed, kapso=options["kapso"]))
            self.send(traffic, total=total, options=options)
            return
        try:
            written = self._write(traffic, out)
        except BrokenPipeError:  # `| head` has read enough; Python would complain at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except OSError as error:
            raise CommandError(f"Cannot write {out}: {error.strerror}.") from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            sys.exit(INTERRUPTED)
        report = f"Wrote {written} requests of {count} conversations to {out}."
        (self.stderr if out == "-" else self.stdout).write(report, style_func=str)

    def _write(self, traffic: Iterable[dict[str, Any]], out: str) -> int:
        if out == "-":
            return _write_lines(traffic, self.stdout)
        with open(out, "w", encoding="ascii") as file:
            return _write_lines(tqdm(traffic, unit=" requests", disable=None), file)


def _traffic(count: int, *, seed: int, kapso: str | None) -> Iterator[dict[str, Any]]:
    traffic = conversations(count, seed=seed)
    if not kapso:
        return traffic
    names = whatsapp_names(count, seed=seed)
    return with_deliveries(traffic, workspace=kapso, seed=seed, names=names, now=timezone.now())


def _write_lines(traffic: Iterable[dict[str, Any]], file: Any) -> int:
    written = 0
    for request in traffic:
        file.write(f"{to_line(request)}\n")
        written += 1
    file.flush()
    return written
