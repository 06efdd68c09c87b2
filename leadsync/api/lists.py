"""Shared by the API's lists: cursor pages, the key's workspace, lean rows, common filters."""

from datetime import datetime
from operator import itemgetter
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import Model, Q, QuerySet
from django_filters.fields import IsoDateTimeField
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer
from rest_framework.utils.urls import replace_query_param

from contacts.models import Workspace
from contacts.phones import InvalidPhone, to_e164
from leadsync.infra.queries import rows_of

SALT = "leadsync.lists.cursor"


class Pages(CursorPagination):
    """Cursor pages of `values()` rows: as fast at the end of a long list as at its beginning.

    Ordered by the queryset's first column, then the id. An import gives thousands of leads the same
    time; DRF's own cursor, which counts equal values, would repeat a page of them for ever. Cursors
    are signed, so the values that come back have the types that were sent.
    """

    cursor_query_description = "Where the page begins: use `next` and `previous` unchanged."
    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description = "Rows per page."
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.base_url = request.build_absolute_uri()
        self.order = str(queryset.query.order_by[0])
        size = self.get_page_size(request) or self.page_size
        sent = request.query_params.get(self.cursor_query_param)
        backwards, value, pk = self._read(sent) if sent else (False, None, None)
        column, descends = self.order.removeprefix("-"), self.order.startswith("-") != backwards
        if sent:
            queryset = queryset.filter(_beyond(column, value, pk, "lt" if descends else "gt"))
        sign = "-" if descends else ""
        rows = rows_of(queryset.order_by(f"{sign}{column}", f"{sign}pk")[: size + 1])
        more, self.page = len(rows) > size, rows[:size]
        if backwards:
            self.page.reverse()
        self.has_next, self.has_previous = (True, more) if backwards else (more, bool(sent))
        return self.page

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1], backwards=False) if self.page and self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[0], backwards=True) if self.page and self.has_previous else None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, page_size = super().get_schema_operation_parameters(view)
        page_size["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
        page_size["schema"]["default"] = Pages.page_size
        return [cursor, page_size]

    def _link(self, row: dict[str, Any], *, backwards: bool) -> str:
        value = row[self.order.removeprefix("-")]
        if isinstance(value, datetime):
            value = value.isoformat()
        cursor = signing.dumps([self.order, backwards, value, row["id"]], salt=SALT)
        return replace_query_param(str(self.base_url), self.cursor_query_param, cursor)

    def _read(self, sent: str) -> tuple[bool, Any, int]:
        try:
            order, backwards, value, pk = signing.loads(sent, salt=SALT)
        except signing.BadSignature:
            order = None
        if order != self.order:
            raise ValidationError(
                {"cursor": "This cursor does not belong to this list. Start again without it."}
            )
        return backwards, datetime.fromisoformat(value) if isinstance(value, str) else value, pk


def _beyond(column: str, value: object, pk: object, side: str) -> Q:
    """Return the condition for rows after (value, pk); an index serves its first part."""
    return Q(**{f"{column}__{side}e": value}) & (
        Q(**{f"{column}__{side}": value}) | Q(**{f"pk__{side}": pk})
    )


class WorkspaceOfKey(BaseFilterBackend):
    """Leaves only rows of the key's workspace, if the key is bound to one.

    The view implements `in_workspace(queryset, workspace)`.
    """

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any, Any], view: Any
    ) -> QuerySet[Any, Any]:
        workspace = request.auth.workspace
        if workspace is None:
            return queryset
        refuse_foreign(workspace, request.query_params.get("workspace", ""))
        return view.in_workspace(queryset, workspace)


def refuse_foreign(workspace: Workspace | None, slug: str) -> None:
    """Raise PermissionDenied if `slug` names a workspace, known or not, other than the key's."""
    if workspace and slug not in ("", workspace.slug):
        raise PermissionDenied("This key is bound to another workspace.")


def asked_workspace(request: Request) -> Workspace | None:
    """The key's workspace, or the one that is named; None: all."""
    slug = request.query_params.get("workspace", "")
    own: Workspace | None = request.auth.workspace
    refuse_foreign(own, slug)
    if own or not slug:
        return own
    if found := Workspace.objects.filter(slug=slug.replace("\x00", "")).first():
        return found
    raise ValidationError({"workspace": "There is no workspace with this slug."})


class RowSerializer(ModelSerializer[Model]):
    """Renders `values()` rows: `Meta.fields` without instances or work per field.

    `related` gives the column of fields that have another name; `added` names fields that the view
    adds to the row.
    """

    related: dict[str, str] = {}
    added: tuple[str, ...] = ()
    pick: Any

    def __init_subclass__(cls) -> None:
        cls.pick = itemgetter(*(cls.related.get(name, name) for name in cls.Meta.fields))

    @classmethod
    def columns(cls) -> list[str]:
        return [cls.related.get(name, name) for name in cls.Meta.fields if name not in cls.added]

    def to_representation(self, row: Any) -> dict[str, Any]:
        return dict(zip(self.Meta.fields, self.pick(row), strict=True))


class AskedFilterSet(django_filters.FilterSet):
    """Builds only the filters that are used: all of them would cost a quarter of a page."""

    base_filters: dict[str, Any]

    def __init__(self, data: Any, queryset: Any, *, request: Any) -> None:
        all_filters = type(self).base_filters
        self.base_filters = {name: all_filters[name] for name in data if name in all_filters}
        super().__init__(data, queryset, request=request)


class SeveralWidget(forms.SelectMultiple):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [value for sent in data.getlist(name) for value in sent.split(",") if value]


class SeveralFilter(django_filters.MultipleChoiceFilter):
    """Accepts one or more choices: `?status=new,qualified` or `?status=new&status=qualified`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(distinct=False, widget=SeveralWidget, **kwargs)


class TimeField(IsoDateTimeField):
    default_error_messages = {"invalid": "Write a time such as 2026-11-23T08:00:00Z."}

    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        if moment and not 1970 <= moment.year < 9999:  # databases cannot compare others
            raise InvalidValue(self.error_messages["invalid"], code="invalid")
        return moment


class TimeFilter(django_filters.IsoDateTimeFilter):
    field_class = TimeField


class PhoneFilter(django_filters.CharFilter):
    """Accepts a phone in any spelling, read as in the key's workspace."""

    def filter(self, rows: QuerySet[Any, Any], value: str) -> QuerySet[Any, Any]:
        if not value:
            return rows
        workspace = self.parent.request.auth.workspace
        region = workspace.region if workspace else settings.LEADSYNC_DEFAULT_REGION
        try:
            phone = to_e164(value, region=region, from_person=True)
        except InvalidPhone as error:
            raise ValidationError({"phone": str(error)}) from error
        return super().filter(rows, phone)
