"""What the tests stand on: each begins with the rows of the migrations, whatever came before."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from contacts.models import Workspace
from sarah.models import SarahState
from tests.factories import ContactFactory, SarahStateFactory, UserFactory
from tests.flush import MigratedRows


def rows() -> list[list[tuple]]:
    groups = Group.objects.order_by("pk").values_list("pk", "name", "permissions__codename")
    return [
        list(model.objects.order_by("pk").values_list())
        for model in (Permission, User, Workspace, SarahState)
    ] + [sorted(groups, key=str)]


@pytest.mark.django_db(transaction=True)
def test_what_a_test_adds_changes_and_deletes_is_undone() -> None:
    before = rows()
    kept = MigratedRows()
    UserFactory(group="Sales")
    SarahStateFactory(contact_phone=ContactFactory().phone)
    Workspace.objects.update(name="Renamed")
    Permission.objects.filter(codename="view_workspace").delete()
    Group.objects.get(name="Operators").delete()
    assert [now == then for now, then in zip(rows(), before, strict=True)] == [False] * 5

    kept.restore()

    assert rows() == before
    assert [len(found) for found in before[1:4]] == [0, 1, 0]
