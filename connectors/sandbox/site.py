"""The two sites behind the socket: rate limit, faults, journal, dispatch, and the controls under /_sandbox/."""

import contextlib
import datetime as dt
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar
from urllib.parse import unquote

from . import (
    align,
    connector_moves,
    deliveries,
    documents,
    edits,
    faults,
    issue_seeds,
    jira,
    jira_headers,
    object_edits,
    oddities,
    seed,
    seed_large,
)
from .deliveries import Delivery
from .limiter import Limiter
from .messages import Answering, ErrorAnswer, Json, Response, SandboxRequest, answer
from .objects.stock import NotMade
from .options import Options, parse_labels
from .store import Store
from .world import World

AnyAnswer = TypeVar("AnyAnswer", Response, Answering)
JOURNAL_SIZE = 100_000
BODY_KEPT = 20_000  # bytes of one request in the journal
CONTROLS = "/_sandbox"
SEED_FILLERS: dict[str, Callable[[World], None]] = {
    "small": seed.fill_small,
    "large": seed_large.fill_large,
    "examples": seed.fill_examples,
    "examples-company": seed.fill_examples_company,
    "examples-mixed": seed.fill_examples_mixed,
}


class SandboxSite:
    """One running sandbox. `respond` may be called from many threads."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.world = World(Store(options.state), issue_seeds.BASES)
        self._set_world_options()
        if not self.world.connectors():
            SEED_FILLERS[options.seed](self.world)
        self.faults = faults.Faults()
        self.limiter = Limiter(options.rate_limit, options.block)
        self._journal: deque[Json] = deque(maxlen=JOURNAL_SIZE)
        self._timers: list[threading.Timer] = []
        self.deliveries = deliveries.Deliveries(self._note)
        self._set_deliveries()
        # Guards journal and timers; never held while a request waits or takes effect.
        self._book_lock = threading.Lock()

    def _set_world_options(self) -> None:
        self.world.type_ids = self.options.type_ids
        self.world.labels = parse_labels(self.options.audit_labels)
        self.world.pulls_at_once = self.options.configuration_pull == "at-once"

    def _set_deliveries(self) -> None:
        self.deliveries.way = self.options.webhooks
        self.deliveries.pause = float(self.options.webhook_retry)

    def close(self) -> None:
        self.deliveries.close()
        self._cancel_timers()
        with self.world.lock:
            self.world.store.close()

    def respond(self, request: SandboxRequest) -> Response | None:
        """None means: close the connection without an answer."""
        if request.path == CONTROLS or request.path.startswith(CONTROLS + "/"):
            return self._control(request)
        entry = self._entry(request)
        response = self._remote(request)
        entry["status"] = response.status if response is not None else None
        if response is not None and response.notes:
            entry["notes"] = list(response.notes)
        return response

    def _remote(self, request: SandboxRequest) -> Response | None:
        if align.serves(request.path):
            left = self.limiter.refuse(request.client)
            if left is not None:
                return self._too_many(left)
        fault = self.faults.take(request.method, _address(request))
        time.sleep((self.options.latency + fault.latency_ms) / 1000)
        if fault.edit is not None:
            with contextlib.suppress(ValueError):
                self._edit(fault.edit, request)
        if fault.delayed_effect_ms is not None:
            self._later(fault.delayed_effect_ms, request)
            return None
        if fault.cut == "before":
            return None
        if not fault.answers:
            response = self._effect(request)
            return None if fault.cut == "after" else response
        if fault.after_effect:
            self._effect(request)
        return None if fault.cut == "after" else _faulty(fault)

    def _effect(self, request: SandboxRequest) -> Response:
        """What the site really does, as one step: no other request sees half of it.

        A long list is filtered after that step, from the records as they were in it.
        """
        if jira.needs_issues(request.path) or self._may_move(request):
            self.world.issues.prepare()
        try:
            outcome, odd, outbox = self._step(request)
        except NotMade:  # nothing was done so far
            self.world.objects.make()
            return self._effect(request)
        self.deliveries.add(outbox)
        response = outcome if isinstance(outcome, Response) else _guarded(outcome)
        answered = oddities.answered(response, odd)
        return jira_headers.dressed(answered, request, self.options) if jira.serves(request.path) else answered

    def _step(self, request: SandboxRequest) -> tuple[Answering, str, list[Delivery]]:
        """What is done while nobody else does anything, how odd the answer is to be, and what webhooks are told of it.

        Raises NotMade.
        """
        with self.world.lock:
            if self._may_move(request):
                _ = self.world.objects.held  # NotMade comes before anything is done
            try:
                outcome = _guarded(lambda: self._carried_over(request))
            finally:
                self.world.store.commit()
            outbox, self.world.outbox = self.world.outbox, []
            return outcome, self.options.odd_records, outbox

    def _may_move(self, request: SandboxRequest) -> bool:
        """Whether Align's connector may have something to do after it."""
        return self.options.connector_moves == "yes" and connector_moves.may_follow(request)

    def _carried_over(self, request: SandboxRequest) -> Answering:
        """The answer, after which Align's connector has done its part."""
        outcome = self._dispatch(request)
        self._run_connector(request)
        return outcome

    def _run_connector(self, request: SandboxRequest) -> None:
        issues, self.world.changed_issues = self.world.changed_issues, []
        items = self.world.objects.take_changes()
        if self.options.connector_moves == "no" or not (issues or items):
            return
        for noted in connector_moves.run(self.world, self.options, request, issues, items):
            self._note(_noted("CONNECTOR", noted.issue, notes=[noted.text]))

    def _dispatch(self, request: SandboxRequest) -> Answering:
        if align.serves(request.path):
            return align.handle(request, self.world, self.options)
        if documents.serves(request.path) and request.method in ("GET", "HEAD"):
            return documents.page(request.path)
        if jira.serves(request.path):
            return jira.handle(request, self.world, self.options)
        return Response(status=404)

    def _too_many(self, left: float) -> Response:
        headers = {"Retry-After": str(int(left) + 1)} if self.options.retry_after == "yes" else {}
        return Response(
            status=429, body=b"429 too many requests", content_type="text/plain; charset=utf-8", headers=headers
        )

    def _later(self, delay_ms: int, request: SandboxRequest) -> None:
        timer = threading.Timer(delay_ms / 1000, self._effect, [request])
        timer.daemon = True
        with self._book_lock:
            self._timers = [waiting for waiting in self._timers if waiting.is_alive()] + [timer]
            timer.start()

    def _cancel_timers(self) -> None:
        with self._book_lock:
            for timer in self._timers:
                timer.cancel()

    # -- journal -----------------------------------------------------------------------------------

    def _entry(self, request: SandboxRequest) -> Json:
        """Written when the request arrives; its status is filled in before the answer leaves.

        `line` is the newest line of the audit log then: what stands in it, this request has come after.
        """
        with self.world.lock:
            newest_line = self.world.newest_line
        entry = _noted(
            request.method,
            unquote(request.path),
            query=_query(request),
            body=_readable(request),
            line=newest_line,
        )
        self._note(entry)
        return entry

    def _note(self, entry: Json) -> None:
        """Beside the requests stand the tries of webhooks' deliveries, and what Align's connector did or could not."""
        with self._book_lock:
            self._journal.append(entry)

    # -- controls ----------------------------------------------------------------------------------

    def _control(self, request: SandboxRequest) -> Response:
        name = request.path.removeprefix(CONTROLS).strip("/")
        control = self._controls(request).get((request.method, name))
        if control is None:
            known = [f"{method} {CONTROLS}/{path}" for method, path in self._controls(request)]
            return answer({"error": "unknown control", "known": known}, 404)
        try:
            return answer(control(request.json()))
        except ValueError as error:
            return answer({"error": str(error)}, 400)

    def _controls(self, request: SandboxRequest) -> dict[tuple[str, str], Callable[[object], object]]:
        return {
            ("GET", ""): self._overview,
            ("GET", "health"): lambda _: {"status": "ok"},
            ("GET", "faults"): lambda _: self.faults.shown(),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "journal"): self._show_journal,
            ("DELETE", "journal"): self._clear_journal,
            ("POST", "reset"): self.reset,
            ("POST", "edit"): lambda payload: self._edit(payload, request),
        }

    def _overview(self, _: object) -> Json:
        options = {name: value for name, value in asdict(self.options).items() if name != "state"}
        return {"options": options, "requests": len(self._journal), "faults": self.faults.shown()}

    def _add_faults(self, payload: object) -> object:
        self.faults.add(faults.parse(payload))
        return self.faults.shown()

    def _clear_faults(self, _: object) -> object:
        self.faults.clear()
        return []

    def _show_journal(self, _: object) -> object:
        with self._book_lock:
            return list(self._journal)

    def _clear_journal(self, _: object) -> object:
        with self._book_lock:
            self._journal.clear()
        return []

    def _edit(self, payload: object, request: SandboxRequest) -> object:
        if object_edits.are_among(payload):
            self.world.objects.make()
            if self.options.connector_moves == "yes":
                self.world.issues.prepare()
        with self.world.lock:
            try:
                return edits.apply(self.world, payload)
            finally:
                self._run_connector(request)
                self.world.store.commit()
                outbox, self.world.outbox = self.world.outbox, []
                self.deliveries.add(outbox)

    def reset(self, payload: object) -> Json:
        """Seeds anew and forgets faults, journal and rate limit. Takes {"seed": ..., "switches": {...}}."""
        wanted = payload if isinstance(payload, dict) else {}
        switches = dict(wanted.get("switches") or {})
        if "seed" in wanted:
            switches["seed"] = wanted["seed"]
        options = self.options.changed(switches)
        with self.world.lock:
            self.options = options
            self._set_world_options()
            SEED_FILLERS[options.seed](self.world)
            self.limiter = Limiter(options.rate_limit, options.block)
            self._set_deliveries()
            self.deliveries.clear()
        self._cancel_timers()
        self.faults.clear()
        self._clear_journal(None)
        return self._overview(None)


def _guarded(step: Callable[[], AnyAnswer]) -> AnyAnswer | Response:
    try:
        return step()
    except ErrorAnswer as refused:
        return refused.response
    except NotMade:
        raise
    # The outermost loop of a request: a defect of ours must look like a broken site, and be seen.
    except Exception:  # noqa: BLE001
        traceback.print_exc(file=sys.stderr)
        return answer({"title": "The sandbox itself failed; see its output."}, 500)


def _noted(method: str, path: str, **more: object) -> Json:
    """An entry of the journal as it begins."""
    at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"method": method, "path": path, "query": "", "body": None, "status": None, **more, "at": at}


def _faulty(fault: faults.Fault) -> Response:
    status = fault.status or (500 if fault.after_effect and fault.body is None else 200)
    body = fault.body or ""
    kind = "text/html" if body.lstrip().startswith("<") else "application/json"
    return Response(
        status=status,
        body=body.encode(),
        content_type=f"{kind}; charset=utf-8",
        headers=fault.headers or {},
    )


def _query(request: SandboxRequest) -> str:
    """As it was sent, but decoded: `$top=100&$filter=id gt 7`."""
    return unquote(request.raw_query.replace("+", " "))


def _address(request: SandboxRequest) -> str:
    return f"{unquote(request.path)}?{_query(request)}" if request.raw_query else unquote(request.path)


def _readable(request: SandboxRequest) -> object:
    """The body as JSON where it is JSON, else as text; None where there is none. Of a long one its beginning."""
    try:
        if len(request.body) <= BODY_KEPT:
            return request.json()
    except ValueError:
        pass
    return request.body[:BODY_KEPT].decode(errors="replace")
