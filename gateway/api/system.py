"""Management API for load balancers: does the gateway answer?"""

from __future__ import annotations

from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest
from ninja import Router, Status

from omniroute import __version__
from omniroute.schema import CamelModel

router = Router(tags=["System"], by_alias=True)


class Health(CamelModel):
    status: str
    version: str


@router.get("/health", response={200: Health, 503: Health}, auth=None)
def get_health(request: HttpRequest) -> Status[Health]:
    """Public, for load balancers and containers."""
    healthy = _database_answers()
    return Status(200 if healthy else 503, Health(status="ok" if healthy else "error", version=__version__))


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
