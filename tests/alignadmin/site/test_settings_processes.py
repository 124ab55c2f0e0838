"""A setting that is saved in a web process, and the worker beside it, which is not restarted."""

from __future__ import annotations

from tests.support.processes import Site, csrf, eventually


def test_a_worker_that_runs_sees_a_choice_without_a_restart(site: Site) -> None:
    chosen = "system = 'jira' AND stage = 'current' AND connector_id = "
    chosen += "(SELECT id FROM connectors_connector WHERE slug = 'acme')"
    ((uuid, before),) = site.rows(f"SELECT uuid, expires_on FROM connectors_credential WHERE {chosen}")
    day = "CURRENT_DATE + 300" if site.database_url else "date('now', '+300 days')"
    site.sql(f"UPDATE connectors_credential SET expires_on = {day} WHERE {chosen}")
    reminded = f"SELECT days FROM connectors_reminder WHERE credential_uuid = '{uuid}'"
    assert site.rows(reminded) == []  # by default the first of them is 60 days before
    admin = site.signed_in()
    address = f"{site.url}/settings/"
    assert 'value="60, 30, 14, 7, 1"' in admin.get(address, timeout=10).text
    days = {"reminder_days": "301", "seen-reminder_days": "60, 30, 14, 7, 1"}
    saved = admin.post(
        f"{address}choices/mail/",
        data={**days, "csrfmiddlewaretoken": csrf(admin)},
        headers={"Referer": address},
        timeout=10,
    )
    try:
        assert "Saved: Remind these days before a credential ends." in saved.text
        assert eventually(lambda: site.rows(reminded) or None, within=60, what="the reminder by the worker") == [(301,)]
    finally:
        was = f"'{before}'" if before else "NULL"
        site.sql(
            "DELETE FROM preferences_installationchoice",
            f"UPDATE connectors_credential SET expires_on = {was} WHERE {chosen}",
        )
