"""The jobs of the background worker, besides the queue of retries."""

from contacts.handoffs import free_of_the_gone, give_waiting, plan_next_steps
from monitoring.alerts.deliver import deliver_due
from monitoring.alerts.watch import look
from monitoring.models import Heartbeat
from monitoring.notices.send import tell
from monitoring.pruning import prune
from monitoring.runs import reconcile_hourly
from sarah.kapso.work import work_due
from sarah.worker import Job, Worker


def jobs() -> dict[str, Job]:
    """Return the jobs by name. Each may run in several workers at once."""
    return {
        "deliveries from Kapso": Job(run=work_due, every=1),
        "reconciliation": Job(run=reconcile_hourly, every=60),
        "watch": Job(run=lambda stopped: look(), every=60),
        "leads by turns": Job(run=lambda stopped: give_waiting(stopped=stopped), every=5),
        "next steps": Job(run=lambda stopped: plan_next_steps(stopped=stopped), every=60),
        "leads of the gone": Job(run=lambda stopped: free_of_the_gone(stopped=stopped), every=60),
        "notices": Job(run=lambda stopped: tell(stopped=stopped), every=5),
        "alerts": Job(run=lambda stopped: deliver_due(stopped=stopped), every=5),
        "pruning": Job(run=lambda stopped: prune(stopped=stopped), every=3600),
    }


def worker() -> Worker:
    return Worker(heartbeats=Heartbeat.objects, jobs=jobs())
