"""People get in: invited by mail, by a forgotten password's link, and with a second factor."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from contacts.models import Membership, Workspace
from leadsync import second_factor
from leadsync.models import Invitation
from leadsync.second_factor import has_second_factor
from tests.contacts.pages import saves
from tests.factories import UserFactory, WorkspaceFactory
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

INVITE, LOGIN, ME = "/admin/people/invite/", "/admin/login/", "/admin/me/"
NEW = "kopi-susu-gula-aren"
PASSWORD = {"password1": NEW, "password2": NEW}


@pytest.fixture
def boss() -> Staff:
    return Staff(is_superuser=True, username="boss", first_name="Boss")


@pytest.fixture
def kopi() -> Workspace:
    return WorkspaceFactory(slug="kopi", members=[])


def invites(staff: Staff, *workspaces: Workspace, role: str = "Sales", **said: str) -> Any:
    form = {
        "email": "Ani@example.com",
        "name": "Ani Wijaya",
        "language": "en",
        "role": Group.objects.get(name=role).pk,
        "workspaces": [one.pk for one in workspaces],
        **said,
    }
    return staff.client.post(INVITE, form, follow=True)


def link_in(message: Any) -> str:
    (link,) = re.findall(r"http://testserver(/admin/password/\S+)", message.body)
    return link


def opens(client: Client, link: str) -> Any:
    """Follow the link of a mail, as a browser does."""
    return client.get(link, follow=True)


def test_a_colleague_is_invited_and_joins(boss: Staff, kopi: Workspace) -> None:
    invites(boss, kopi, language="id")
    (sent,) = mail.outbox
    ani, waiting = User.objects.get(email="ani@example.com"), boss.client.get(INVITE)
    client = Client()
    page = opens(client, link_in(sent))
    joined = client.post(page.request["PATH_INFO"], PASSWORD, follow=True)

    assert sent.subject == "Anda diundang ke LeadSync"
    assert "Ani Wijaya" in waiting.content.decode()
    assert "Invited, not yet joined" in waiting.content.decode()
    assert (ani.username, ani.has_usable_password(), ani.is_superuser) == ("ani", False, False)
    assert [group.name for group in ani.groups.all()] == ["Sales"]
    assert list(Workspace.objects.visible_to(ani)) == [kopi]
    assert joined.status_code == 200
    assert joined.context["user"] == ani
    assert "Ani Wijaya" not in boss.client.get(INVITE).content.decode()
    assert "used up" in opens(Client(), link_in(sent)).content.decode()


def test_a_link_is_valid_for_three_days_and_can_be_sent_again(boss: Staff, kopi: Workspace) -> None:
    with time_machine.travel("2026-11-20 10:00 +0700"):
        invites(boss, kopi)
    with time_machine.travel("2026-11-23 10:01 +0700"):
        client = Staff(is_superuser=True).client
        assert "older than 3 days" in opens(Client(), link_in(mail.outbox[0])).content.decode()

        client.post(f"{INVITE}{Invitation.objects.get().pk}/resend/")

        assert "Choose a password" in opens(Client(), link_in(mail.outbox[1])).content.decode()


def test_who_has_an_account_becomes_a_member_and_keeps_the_role(boss, kopi) -> None:
    ani = UserFactory(email="ani@example.com", group="Operators", workspaces=[])

    answer = invites(boss, kopi)

    assert f"{ani.username} has an account already, and is a member now." in messages_of(answer)
    assert [group.name for group in ani.groups.all()] == ["Operators"]
    assert list(Workspace.objects.visible_to(ani)) == [kopi]
    assert len(mail.outbox) == 1
    assert not Invitation.objects.exists()


def test_only_who_holds_the_right_invites_and_gives_no_more_than_they_have(kopi) -> None:
    other = WorkspaceFactory(slug="batik", members=[])
    sales = Staff("Sales", workspaces=[kopi])
    assert sales.client.get(INVITE).status_code == 403
    right = Permission.objects.get(codename="invite_member")
    sales.user.user_permissions.add(right)

    assert invites(sales, kopi, role="Operators").context["form"].errors.keys() == {"role"}
    assert invites(sales, other).context["form"].errors.keys() == {"workspaces"}
    assert "Sent to ani@example.com." in messages_of(invites(sales, kopi))[0]
    assert not User.objects.get(email="ani@example.com").is_superuser


def test_a_mail_that_cannot_be_sent_is_told_with_the_link(boss, kopi, monkeypatch) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("leadsync.invitations.send_mail", refuse)

    (text,) = messages_of(invites(boss, kopi))

    assert "Give them this link yourself" in text
    assert "/admin/password/" in text


def test_a_forgotten_password_is_chosen_anew(boss: Staff) -> None:
    ani = UserFactory(email="ani@example.com", username="ani")
    client = Client()

    for _ in range(2):  # one mail for both
        answer = client.post("/admin/password/", {"email": "ANI@example.com"}, follow=True)
    nobody = client.post("/admin/password/", {"email": "nobody@example.com"}, follow=True)
    page = opens(client, link_in(mail.outbox[0]))
    client.post(page.request["PATH_INFO"], PASSWORD)

    assert answer.content == nobody.content
    assert len(mail.outbox) == 1
    assert "Your user name is ani." in mail.outbox[0].body
    ani.refresh_from_db()
    assert ani.check_password(NEW)
    assert client.get("/admin/").status_code == 200


def test_the_log_in_leads_to_it_and_says_what_wrong_passwords_do() -> None:
    page = Client().post(LOGIN, {"username": "ani", "password": "wrong"}).content.decode()

    assert "After 5 wrong passwords you have to wait a minute" in page
    assert 'href="/admin/password/"' in page


# One's own page


def test_a_person_changes_their_name_and_language() -> None:
    staff = Staff("Sales", username="ani")

    saves(staff.client, ME, first_name="Ani", language="id")

    staff.user.refresh_from_db()
    assert staff.user.first_name == "Ani"
    page = staff.client.get(ME).content.decode()
    assert "Akun saya" in page
    assert page[page.index('id="main"') :].count("switchTheme(") == 3


def test_who_goes_home_takes_no_leads_by_turns_until_back(kopi: Workspace) -> None:
    ani = Staff("Sales", username="ani", workspaces=[kopi])
    other = Membership.objects.create(user=Staff("Sales", workspaces=[]).user, workspace=kopi)

    for button, takes in (("I am away", False), ("I am back", True)):
        assert button in ani.client.get(ME).content.decode()
        ani.client.post(f"{ME}takes-leads/", {"away": "1"} if not takes else {})
        assert Membership.objects.get(user=ani.user).takes_leads is takes
    other.refresh_from_db()
    assert other.takes_leads
    assert "by turns" not in Staff(is_superuser=True, workspaces=[]).client.get(ME).content.decode()


def log_in(client: Client, **typed: str) -> Any:
    known = {"username": "ani", "password": "secret", "next": "/admin/"}
    return client.post(LOGIN, known | typed, HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/150")


def test_a_person_sees_where_they_are_logged_in_and_ends_it_elsewhere() -> None:
    UserFactory(username="ani", group="Sales")
    here, there, before = Client(), Client(), Staff("Sales").client
    log_in(here)
    log_in(there)
    assert here.get(ME).content.decode().count("Firefox, Linux") == 2

    answer = here.post(f"{ME}log-out-elsewhere/", follow=True)

    assert messages_of(answer) == ["1 other log-in was ended."]
    assert here.get(ME).status_code == 200
    assert there.get(ME).status_code == 302
    assert before.get(ME).status_code == 200  # somebody else's


# The second factor


def code_of(device: TOTPDevice, *, drift: int = 0) -> str:
    return f"{totp(device.bin_key, device.step, device.t0, device.digits, drift):06}"


def with_app(staff: Staff) -> tuple[TOTPDevice, list[str]]:
    """Set it up, as the page says; returns the app and the recovery codes."""
    assert "<svg" in staff.client.get(f"{ME}second-factor/").content.decode()
    device = TOTPDevice.objects.get()
    shown = staff.client.post(f"{ME}second-factor/", {"code": code_of(device)})
    codes = shown.context["codes"]
    TOTPDevice.objects.update(last_t=-1)  # the tests wait for no new code
    return device, codes


@pytest.fixture
def ani() -> Staff:
    return Staff("Sales", username="ani")


def test_nothing_is_on_until_the_app_shows_the_right_code(ani: Staff) -> None:
    ani.client.get(f"{ME}second-factor/")
    answer = ani.client.post(f"{ME}second-factor/", {"code": "000000"})

    assert "The app shows another code." in answer.content.decode()
    assert not has_second_factor(ani.user)


def test_the_log_in_asks_for_a_code_and_opens_nothing_without(ani: Staff) -> None:
    device, _codes = with_app(ani)
    User.objects.filter(pk=ani.user.pk).update(password=UserFactory(username="x").password)
    client = Client()

    assert log_in(client).url == "/admin/login/code/"
    assert client.get("/admin/").status_code == 302
    wrong = client.post("/admin/login/code/", {"code": "123456"})
    assert "This code is not right." in wrong.content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0)  # no test waits
    assert client.post("/admin/login/code/", {"code": code_of(device)}).url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_recovery_code_opens_once(ani: Staff) -> None:
    _device, codes = with_app(ani)

    assert len(codes) == 10
    assert second_factor.is_right(ani.user, codes[0])
    assert not second_factor.is_right(ani.user, codes[0])
    assert second_factor.left_codes(ani.user) == 9


def test_the_first_step_is_forgotten_after_ten_minutes(ani: Staff) -> None:
    device, _codes = with_app(ani)
    User.objects.filter(pk=ani.user.pk).update(password=UserFactory(username="x").password)
    client = Client()
    with time_machine.travel("2026-11-23 10:00 +0700", tick=False) as clock:
        log_in(client)
        clock.shift(601)
        answer = client.post("/admin/login/code/", {"code": code_of(device)})

    assert answer.url == LOGIN


def test_it_is_switched_off_with_a_code_or_by_a_superuser(ani: Staff, boss: Staff) -> None:
    _device, codes = with_app(ani)
    ani.client.post(f"{ME}second-factor/off/", {"code": "wrong"})
    assert has_second_factor(ani.user)
    TOTPDevice.objects.update(throttling_failure_count=0)

    boss.confirms("switch_second_factor_off", ani.user)
    assert not has_second_factor(ani.user)

    _device, codes = with_app(ani)
    ani.client.post(f"{ME}second-factor/off/", {"code": codes[0]})
    assert not has_second_factor(ani.user)


def test_a_password_s_link_does_not_get_around_it(ani: Staff) -> None:
    with_app(ani)
    User.objects.filter(pk=ani.user.pk).update(email="ani@example.com")
    client = Client()
    client.post("/admin/password/", {"email": "ani@example.com"})
    page = opens(client, link_in(mail.outbox[0]))

    assert client.post(page.request["PATH_INFO"], PASSWORD).url == "/admin/login/code/"
    assert client.get("/admin/").status_code == 302


# The last superuser


def test_the_last_superuser_cannot_shut_everybody_out(boss: Staff) -> None:
    page = f"/admin/auth/user/{boss.user.pk}/"

    answer = saves(boss.client, f"{page}change/", is_superuser="")
    boss.client.post(f"{page}delete/", {"post": "yes"})
    boss.runs("delete_selected", [boss.user], confirmed="1")

    assert "This is the last superuser" in answer.content.decode()
    assert User.objects.get(pk=boss.user.pk).is_superuser
