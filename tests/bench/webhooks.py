"""Jira's webhook at two web processes: 100 deliveries a second, then 300, sent by the clock whatever is answered.

No worker runs, so what is measured is the receiver alone. Alone on the machine, or the figures say nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path

import requests

from tests.bench import databases
from tests.bench.report import Figure, percentile, show
from tests.bench.world import UNLIMITED
from tests.support.processes import Site

SECONDS = float(os.environ.get("WEBHOOK_SECONDS", "20"))
PROCESSES, THREADS, SENDERS = 2, 4, 24
USUAL, OVERLOAD = 100, 300  # deliveries a second
AIM = 200


def main() -> None:
    databases.run("tests.bench.webhooks")


def measure() -> None:
    os.environ.update(UNLIMITED)
    name = databases.set_up()
    from connectors.models import InboxDelivery, WebhookSecretKind
    from connectors.webhooks import services
    from tests.support.factories import connector, person

    admin = person()
    own = connector("http://127.0.0.1:9", actor=admin)
    own.projects.create(jira_id=1, key="PAY", name="Pay", in_scope=True)
    held = services.secrets_of(services.set_up(own, is_signed=True, actor=admin))
    site = Site(data_dir=Path(os.environ["DATA_DIR"]), database_url=os.environ.get("DATABASE_URL", ""), extra=UNLIMITED)
    try:
        site.start_web(threads=THREADS, processes=PROCESSES)
        load = Load(f"{site.url}/hooks/{held[WebhookSecretKind.ADDRESS]}/", held[WebhookSecretKind.CURRENT])
        load.send(rate=20, seconds=3)  # each process loads its views once
        figures = []
        for rate in (USUAL, OVERLOAD):
            before = InboxDelivery.objects.count()
            begun = time.monotonic()
            seconds, answers = load.send(rate=rate, seconds=SECONDS)
            lasted = time.monotonic() - begun
            stored = InboxDelivery.objects.count() - before
            aim = AIM if rate == USUAL else None
            figures += [
                Figure(what=f"{rate} a second: p50", value=1000 * percentile(seconds, 50), unit="ms"),
                Figure(what=f"{rate} a second: p95", value=1000 * percentile(seconds, 95), unit="ms", aim=aim),
                Figure(what=f"{rate} a second: taken, a second", value=answers[200] / lasted, unit=""),
                Figure(what=f"{rate} a second: asked to come again", value=answers[503], unit=""),
                Figure(what=f"{rate} a second: taken and not stored", value=answers[200] - stored, unit="", aim=0),
            ]
    finally:
        site.stop()
    show(f"Receiver of webhooks, {PROCESSES} web processes: {name}", figures)


class Load:
    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret.encode()
        self._sent = 0

    def send(self, *, rate: int, seconds: float) -> tuple[list[float], Counter[int]]:
        """Seconds from when each was due until its answer, and how many had which status; 0: none came."""
        total, begun = int(rate * seconds), time.monotonic()
        took: list[float] = []
        answers: Counter[int] = Counter()
        lock, places = threading.Lock(), iter(range(total))

        def work() -> None:
            with requests.Session() as session:
                while True:
                    with lock:
                        place = next(places, None)
                        self._sent += 1
                        number = self._sent
                    if place is None:
                        return
                    due = begun + place / rate
                    time.sleep(max(0.0, due - time.monotonic()))
                    status = self._deliver(session, number)
                    with lock:
                        took.append(time.monotonic() - due)
                        answers[status] += 1

        threads = [threading.Thread(target=work) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return took, answers

    def _deliver(self, session: requests.Session, number: int) -> int:
        issue = {"id": str(number), "key": f"PAY-{number}", "fields": {"summary": "x" * 4000}}
        said = {"webhookEvent": "jira:issue_updated", "timestamp": time.time_ns() // 1_000_000, "issue": issue}
        body = json.dumps(said).encode()
        signed = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Atlassian-Webhook-Identifier": f"n{number}",
            "X-Hub-Signature": f"sha256={signed}",
        }
        try:
            return session.post(self._url, body, headers=headers, timeout=10).status_code
        except requests.RequestException:
            return 0


if __name__ == "__main__":
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.webhooks")
    else:
        {databases.HERE: measure}.get(databases.word(), main)()
