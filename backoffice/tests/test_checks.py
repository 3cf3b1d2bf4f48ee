"""What `check --deploy` says of settings that would not work in earnest."""

import pytest

from backoffice.checks import links_in_mails_lead_here


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:8000", ["collimator.W001"]),
        ("http://localhost", ["collimator.W001"]),
        ("https://[::1]:8000", ["collimator.W001"]),
        ("http://0.0.0.0:8000", ["collimator.W001"]),
        ("clinic.example", ["collimator.E001"]),
        ("https://clinic.example", []),
        ("https://10.0.0.5:8443", []),
    ],
)
def test_a_site_address_that_leads_patients_nowhere_is_said(settings, address, says):
    settings.SITE_URL = address
    assert [message.id for message in links_in_mails_lead_here(None)] == says
