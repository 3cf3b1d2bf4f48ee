"""The public booking pages, for tests that walk through them."""

import re

CHOOSE, DETAILS, SURVEY, DONE = (f"/book/{step}" for step in ("", "details/", "survey/", "done/"))


def walk(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    return client.post(SURVEY, answers, follow=True)


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())
