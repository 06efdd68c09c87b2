"""The leads before and after this one in the list that a person came from."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from contacts.admin.desk.found import FoundLeads

FILTERS = "_changelist_filters"
PAGE = "p"


class Rows(FoundLeads):
    """A list that only knows its rows and their order, and counts nothing."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list: Any = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    list_url: str
    previous: str = ""
    next: str = ""


def neighbours_of(page: Any, request: HttpRequest, lead_id: int) -> Neighbours:
    """One statement more than the list's filters take: of its page, and a row to each side."""
    filters = request.GET.get(FILTERS, "")
    list_url = reverse("admin:contacts_contact_changelist")
    if not filters:
        return Neighbours(list_url=list_url)
    list_url = f"{list_url}?{filters}"
    number, size = _number(filters), page.list_per_page
    first = max((number - 1) * size - 1, 0)
    try:
        rows = page.rows_of_list(_as_list(request, filters))
        keys = list(rows.values_list("pk", flat=True)[first : number * size + 1])
    except (IncorrectLookupParameters, ValueError):
        return Neighbours(list_url=list_url)
    if lead_id not in keys:
        return Neighbours(list_url=list_url)
    at = keys.index(lead_id)
    places = {place: first + place for place in (at - 1, at + 1) if 0 <= place < len(keys)}
    links = {place: _link(keys[place], filters, row // size + 1) for place, row in places.items()}
    return Neighbours(list_url=list_url, previous=links.get(at - 1, ""), next=links.get(at + 1, ""))


def back_to(request: HttpRequest, lead_id: int, *, place: str = "") -> HttpResponse:
    """Lead back to the page, as one of the list that the person came from."""
    page = page_url(lead_id, filters=request.POST.get(FILTERS, ""))
    return HttpResponseRedirect(f"{page}#{place}" if place else page)


def page_url(lead_id: int, *, filters: str) -> str:
    query = {FILTERS: filters} if filters else None
    return reverse("admin:contacts_contact_change", args=[lead_id], query=query)


def _as_list(request: HttpRequest, filters: str) -> HttpRequest:
    """The request of the list that the person came from."""
    listing = copy(request)
    listing.GET = QueryDict(filters)
    return listing


def _number(filters: str) -> int:
    sent = QueryDict(filters).get(PAGE) or "1"
    return max(int(sent), 1) if sent.isdecimal() and len(sent) < 6 else 1


def _link(lead_id: int, filters: str, number: int) -> str:
    asked = QueryDict(filters, mutable=True)
    asked.pop(PAGE, None)
    if number > 1 or not asked:  # never empty: it tells that there is a list
        asked[PAGE] = str(number)
    address = reverse("admin:contacts_contact_change", args=[lead_id])
    return f"{address}?{urlencode({FILTERS: asked.urlencode()})}"
