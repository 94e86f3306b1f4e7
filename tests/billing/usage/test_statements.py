from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from billing.usage.statements import execute, mark

pytestmark = pytest.mark.django_db


def test_values_are_values_whatever_they_look_like():
    with connection.cursor() as cursor:
        execute(cursor, "CREATE TEMPORARY TABLE words (word varchar(20))", [])
        execute(cursor, f"INSERT INTO words VALUES ({mark()}), ({mark()})", ["100 %s", "?"])
        cursor.execute("SELECT word FROM words ORDER BY word")
        assert cursor.fetchall() == [("100 %s",), ("?",)]


def test_what_fails_is_an_error_of_djangos():
    """The recorder tries again after those, and says which rows are lost."""
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        execute(cursor, f"INSERT INTO no_such_table VALUES ({mark()})", [1])
