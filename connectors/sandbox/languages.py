"""How Jira names its own statuses and issue types to users of other languages. What people named stays as it is."""

from collections.abc import Mapping

NAMES: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "de": {
        "To Do": "Zu erledigen",
        "In Progress": "In Bearbeitung",
        "Done": "Fertig",
        "In Review": "In Prüfung",
        "Sub-task": "Unteraufgabe",
        "Subtask": "Unteraufgabe",
        "Bug": "Fehler",
        "Task": "Aufgabe",
    },
    "zh": {
        "To Do": "待办",
        "In Progress": "正在进行",
        "Done": "完成",
        "In Review": "正在审查",
        "Epic": "长篇故事",
        "Story": "故事",
        "Sub-task": "子任务",
        "Subtask": "子任务",
        "Bug": "缺陷",
        "Task": "任务",
    },
}
KNOWN = tuple(NAMES)


def named(name: str, language: str) -> str:
    return NAMES[language].get(name, name)
