"""Which Jira issue type an Align work item type stands for where nobody has chosen: what Jira itself says of a type.

Its level decides first, since no language and no admin changes that: an epic is a Feature, a sub-task a Task. On the
base level Jira has nothing that tells a story from a bug but the name, in the languages it comes in, and the picture
it gave the type at its making, which stays when the type is renamed. Ids say nothing: sites count from other numbers.
What neither name nor picture tells is asked for, not guessed.
"""

from __future__ import annotations

from functools import lru_cache

from alignadmin.folding import fold
from connectors.models.catalogue import WorkItemType

EPIC_LEVEL, BASE_LEVEL = 1, 0
PLAIN = ""  # a task of the base level: told, and none of Align's four
NAMES: dict[str, tuple[str, ...]] = {
    WorkItemType.STORY: (
        *("Story", "User Story", "Récit", "Historia", "História", "Storia", "Verhaal", "Historyjka", "История"),
        *("Історія", "ストーリー", "故事", "用户故事", "스토리", "Berättelse", "Historie", "Tarina", "Hikaye"),
    ),
    WorkItemType.DEFECT: (
        *("Bug", "Defect", "Fehler", "Bogue", "Error", "Erro", "Errore", "Fout", "Błąd", "Chyba", "Ошибка", "Баг"),
        *("Помилка", "バグ", "缺陷", "错误", "故障", "버그", "Bugg", "Fejl", "Feil", "Virhe", "Hata", "Hiba"),
    ),
    PLAIN: (
        *("Task", "Aufgabe", "Tâche", "Tarea", "Tarefa", "Attività", "Taak", "Zadanie", "Úkol", "Задача", "Завдання"),
        *("タスク", "任务", "작업", "Uppgift", "Opgave", "Oppgave", "Tehtävä", "Görev", "Feladat"),
    ),
}
# Where a Jira tells no level (Data Center).
EPICS = frozenset(map(fold, ("Epic", "Epos", "Épopée", "Épica", "Epik", "Эпик", "エピック", "长篇故事", "에픽")))
BY_NAME = {fold(name): type_ for type_, names in NAMES.items() for name in names}
EPIC_AVATAR = 10307
BY_AVATAR = {10303: WorkItemType.DEFECT.value, 10315: WorkItemType.STORY.value, 10318: PLAIN}


@lru_cache(maxsize=4096)  # thousands of types, as each team-managed project has its own, of a few dozen names
def usual_type(name: str, *, level: int | None, is_subtask: bool, avatar: int | None) -> str | None:
    """feature, story, task or defect; empty for what is told to be none of them; None where nothing tells."""
    if is_subtask or (level is not None and level < BASE_LEVEL):
        return WorkItemType.TASK.value
    if level is not None and level > BASE_LEVEL:
        return WorkItemType.FEATURE.value if level == EPIC_LEVEL else PLAIN
    folded = fold(name)
    if folded in BY_NAME:
        return BY_NAME[folded]
    if level is None and (folded in EPICS or avatar == EPIC_AVATAR):
        return WorkItemType.FEATURE.value
    return BY_AVATAR.get(avatar) if avatar is not None else None


def may_be(type_: WorkItemType, *, level: int | None, is_subtask: bool) -> bool:
    """Whether an issue type of this level could stand for the work item type, if somebody said so."""
    if is_subtask or (level is not None and level < BASE_LEVEL):
        return type_ is WorkItemType.TASK
    if level is not None and level > BASE_LEVEL:
        return type_ is WorkItemType.FEATURE
    return type_ in (WorkItemType.STORY, WorkItemType.DEFECT) or (level is None and type_ is WorkItemType.FEATURE)
