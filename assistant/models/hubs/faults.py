"""What can be wrong with a hub, each with its own message and advice."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.errors import ModelFileError


class Unreachable(ModelFileError):
    """The hub can't be reached; what is already here may do."""


@dataclass(frozen=True)
class Hub:
    """Where a hub is, and how its users prove who they are."""

    name: str
    endpoint: str
    token_variable: str

    def page(self, repository: str) -> str:
        """The page of a repository, for people."""
        middle = "models/" if self.name == "modelscope" else ""
        return f"{self.endpoint}/{middle}{repository}"


def no_repository(hub: Hub, repository: str) -> ModelFileError:
    return ModelFileError(
        "{hub} ({endpoint}) has no model {repository}, or it is private: check the spelling "
        "(upper and lower case count); for a private one set {variable}.",
        "{hub}（{endpoint}）没有模型 {repository}，或该模型是私有的：请检查拼写（区分大小写）；"
        "私有模型请设置 {variable}。",
        hub=hub.name,
        endpoint=hub.endpoint,
        repository=repository,
        variable=hub.token_variable,
    )


def gated(hub: Hub, repository: str) -> ModelFileError:
    return ModelFileError(
        "{repository} is given only to those who accepted its terms: log in and accept them at "
        "{page}, make an access token there and set it as {variable}, then try again.",
        "{repository} 需要先同意其使用条款：请登录 {page} 同意条款，创建访问令牌并设置为 "
        "{variable}，然后重试。",
        repository=repository,
        page=hub.page(repository),
        variable=hub.token_variable,
    )


def token_refused(hub: Hub, why: str) -> ModelFileError:
    return ModelFileError(
        "{hub} refused the access token: check {variable}, or take it away for public models. "
        "({why})",
        "{hub} 拒绝了访问令牌：请检查 {variable}；公开模型可以不设置。（{why}）",
        hub=hub.name,
        variable=hub.token_variable,
        why=why,
    )


def no_revision(hub: Hub, repository: str, revision: str) -> ModelFileError:
    return ModelFileError(
        "{repository} has no revision {revision} on {hub}: see {page} for its branches and tags, "
        "or leave --revision away.",
        "{hub} 上的 {repository} 没有版本 {revision}：请到 {page} 查看分支和标签，"
        "或不写 --revision。",
        hub=hub.name,
        repository=repository,
        revision=revision,
        page=hub.page(repository),
    )


def unreachable(hub: Hub, why: str) -> Unreachable:
    setting = "HF_ENDPOINT" if hub.name == "huggingface" else "MODELSCOPE_ENDPOINT"
    return Unreachable(
        "{hub} can't be reached at {endpoint} ({why}): check the network; behind a proxy set "
        "HTTPS_PROXY; a mirror is set by {setting} in .env; or take another hub with --source.",
        "无法连接 {hub}（{endpoint}，{why}）：请检查网络；使用代理请设置 HTTPS_PROXY；"
        "使用镜像请在 .env 中设置 {setting}；也可以用 --source 换一个来源。",
        hub=hub.name,
        endpoint=hub.endpoint,
        why=why,
        setting=setting,
    )


def too_often(hub: Hub) -> ModelFileError:
    return ModelFileError(
        "{hub} limits how often it may be asked: wait some minutes; with an access token in "
        "{variable} the limit is higher.",
        "{hub} 限制了请求频率：请等几分钟再试；设置访问令牌 {variable} 可以提高限额。",
        hub=hub.name,
        variable=hub.token_variable,
    )


def answered(hub: Hub, status: int, why: str) -> ModelFileError:
    return ModelFileError(
        "{hub} ({endpoint}) answered with error {status}: {why}. Try again later, or take "
        "another hub with --source.",
        "{hub}（{endpoint}）返回错误 {status}：{why}。请稍后重试，或用 --source 换一个来源。",
        hub=hub.name,
        endpoint=hub.endpoint,
        status=status,
        why=why,
    )


def unreadable(hub: Hub, why: str) -> ModelFileError:
    return ModelFileError(
        "What {endpoint} answered is no list of files ({why}): is it the address of {hub} or of "
        "a mirror?",
        "{endpoint} 的应答不是文件列表（{why}）：它是 {hub} 或其镜像的地址吗？",
        endpoint=hub.endpoint,
        hub=hub.name,
        why=why,
    )
