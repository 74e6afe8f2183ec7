"""``/api/v1/jobs``: documents on their way in, as the knowledge page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from assistant.api.faults import not_found
from assistant.api.shapes import JobList, JobShape
from assistant.ui.jobs import Job, Jobs
from assistant.ui.library_access import LibraryAccess
from assistant.ui.visitor import Visitors


@dataclass(frozen=True)
class JobRoutes:
    """The handlers. A job is known by its number, in this process, while it is among the newest."""

    jobs: Jobs
    access: LibraryAccess
    visitors: Visitors

    def all(self, request: Request) -> JobList:
        """The newest first."""
        language = self.visitors.language(request)
        mine = {info.name for info in self.access.readable(request)}
        jobs = [job for job in self.jobs.list() if job.collection in mine]
        return JobList(jobs=[JobShape.of(job, language) for job in jobs])

    def one(self, job_id: int, request: Request) -> JobShape:
        """How far a job is, and what became of each document."""
        return JobShape.of(self._job(job_id, request), self.visitors.language(request))

    def cancel(self, job_id: int, request: Request) -> JobShape:
        """Ask a job to end; what it stored stays. Needs the role editor."""
        job = self._job(job_id, request)
        self.access.write(job.collection, request)
        self.jobs.cancel(job.id)
        return JobShape.of(job, self.visitors.language(request))

    def _job(self, job_id: int, request: Request) -> Job:
        mine = {info.name for info in self.access.readable(request)}
        for job in self.jobs.list():
            if job.id == job_id and job.collection in mine:
                return job
        raise not_found("There is no job {id}.", "没有编号为 {id} 的任务。", id=job_id)
