"""The setup form of an evaluation: tasks, roles, scales of α and number of questions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.checkpoints.spec import Recipe
from app.decoding.alpha_policy import FORMS
from app.errors import TuneshiftError
from app.evaluation.plan import Plan, parse_policies, parse_scales
from app.evaluation.variants import default_roles
from app.ui.evaluate.task_list import TaskList
from app.ui.state.background import Background
from app.ui.theme import SPACE
from app.ui.widgets.file_dialogs import ask_folder
from app.ui.widgets.form_controls import NumberBox

_MOST = 1_000_000
_NUMBER_WIDTH = 64


class SetupForm(QFrame):
    """Edits the plan of an evaluation.

    Args:
        background: Runs slow reads on a thread.
    """

    changed = Signal()
    """A field changed."""

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "side")
        self.tasks = TaskList(background)
        self.tasks.changed.connect(self._on_changed)
        self._roles: list[tuple[str, QCheckBox]] = []
        self._roles_place = QVBoxLayout()
        self._roles_place.setSpacing(SPACE // 2)
        self.direct = QLineEdit()
        self.direct.setPlaceholderText(self.tr("optional: folder, .gguf or hub:OWNER/NAME"))
        self.direct.setToolTip(
            self.tr("A directly tuned model to compare with; adds “gap closed” to the scores")
        )
        self.direct.setAccessibleName(self.tr("Directly tuned model"))
        self._browse = QPushButton(self.tr("…"))
        self._browse.setAccessibleName(self.tr("Choose the folder of the directly tuned model"))
        self._browse.setAutoDefault(False)
        self._browse.clicked.connect(self._ask_folder)
        self.scales = QLineEdit("1")
        self.scales.setToolTip(
            self.tr("Factors for every α, separated by commas; tuned is measured with each factor")
        )
        self.policies = QLineEdit()
        self.policies.setPlaceholderText(self.tr("optional, such as kl:0.5"))
        self.policies.setToolTip(
            self.tr(
                "Policies of α, separated by commas; tuned is measured with each beside constant "
                "α, and the scores say whether one is better than the best constant.\n{0}"
            ).format("\n".join(FORMS.values()))
        )
        self.limit = NumberBox(0, _MOST, 10, 0, self.tr("all"))
        self.limit.setValue(100)
        self.batch = NumberBox(0, 1024, 1, 0, self.tr("auto"))
        self.batch.setToolTip(self.tr("Batch size: prompts processed together"))
        for number in (self.limit, self.batch):
            number.setMinimumWidth(_NUMBER_WIDTH)
            number.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.allow_code = QCheckBox(self.tr("Run code that models write"))
        self._code_about = QLabel(
            self.tr(
                "A task runs code that models write: for seconds and without network, but with "
                "access to your files. Use a container for models that you do not trust."
            )
        )
        self._code_about.setProperty("role", "caption")
        self._code_about.setWordWrap(True)
        for field in (self.direct, self.scales, self.policies):
            field.textChanged.connect(self._on_changed)
        for number in (self.limit, self.batch):
            number.valueChanged.connect(self._on_changed)
        self.allow_code.toggled.connect(self._on_changed)
        self._lay_out()
        self._on_changed()

    def _lay_out(self) -> None:
        direct = QHBoxLayout()
        direct.setSpacing(SPACE // 2)
        direct.addWidget(self.direct, 1)
        direct.addWidget(self._browse)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(SPACE)
        form.setVerticalSpacing(SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("α ×"), self.scales)
        form.addRow(self.tr("Policies"), self.policies)
        numbers = QHBoxLayout()
        numbers.setSpacing(SPACE)
        numbers.addWidget(self.limit, 1)
        side = QLabel(self.tr("batch size"))
        side.setBuddy(self.batch)
        numbers.addWidget(side)
        numbers.addWidget(self.batch, 1)
        form.addRow(self.tr("Questions"), numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + 4, SPACE + 4, SPACE + 4, SPACE + 4)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(_title(self.tr("Tasks")))
        layout.addWidget(self.tasks)
        layout.addWidget(self.allow_code)
        layout.addWidget(self._code_about)
        layout.addSpacing(SPACE)
        layout.addWidget(_title(self.tr("Roles")))
        layout.addLayout(self._roles_place)
        caption = QLabel(self.tr("Directly tuned model for comparison"))
        caption.setProperty("role", "caption")
        caption.setBuddy(self.direct)
        layout.addWidget(caption)
        layout.addLayout(direct)
        layout.addSpacing(SPACE)
        layout.addLayout(form)
        layout.addStretch(1)

    # Roles

    def show_recipe(self, recipe: Recipe) -> None:
        """Offer the roles of a recipe; roles stay checked by name."""
        offered = self._offered(recipe)
        if [name for name, _ in offered] == [name for name, _ in self._roles]:
            for (_, title), (_, box) in zip(offered, self._roles, strict=True):
                box.setText(title)
            return
        checked = {name for name, box in self._roles if box.isChecked()}
        checked = checked or set(default_roles(recipe))
        for _, box in self._roles:
            self._roles_place.removeWidget(box)
            box.deleteLater()
        self._roles = []
        for name, title in offered:
            box = QCheckBox(title)
            box.setChecked(name in checked)
            box.toggled.connect(self._on_changed)
            self._roles_place.addWidget(box)
            self._roles.append((name, box))
        self._on_changed()

    def _offered(self, recipe: Recipe) -> list[tuple[str, str]]:
        """Names of the roles in a plan, and their translated titles."""
        roles = [("base", self.tr("base"))]
        several = len(recipe.pairs) > 1
        for pair in recipe.pairs:
            which = f":{pair.name}" if several else ""
            roles.append((f"expert{which}", self.tr("expert “{0}”").format(pair.name)))
            roles.append((f"antiexpert{which}", self.tr("anti-expert “{0}”").format(pair.name)))
            if several:
                roles.append(
                    (f"tuned:{pair.name}", self.tr("tuned by “{0}” only").format(pair.name))
                )
        return [*roles, ("tuned", self.tr("tuned (all pairs)"))]

    # The plan

    def plan(self) -> Plan:
        """The plan that the fields describe.

        Raises:
            SettingsError: The content of a field is invalid.
        """
        roles = [name for name, box in self._roles if box.isChecked()]
        direct = self.direct.text().strip()
        if direct:
            roles.append(f"direct={direct}")
        return Plan(
            tasks=tuple(task.name for task in self.tasks.checked),
            roles=tuple(roles),
            scales=parse_scales(self.scales.text()),
            data=self.tasks.data_files,
            limit=int(self.limit.value()) or None,
            batch_size=int(self.batch.value()) or None,
            allow_code=self.tasks.runs_code and self.allow_code.isChecked(),
            policies=parse_policies(self.policies.text()),
        )

    @property
    def missing(self) -> str:
        """What the user must do before the evaluation can start, or an empty string."""
        if not self.tasks.checked:
            return self.tr("Check a task, or add a file with your own questions.")
        without = self.tasks.missing_data
        if without:
            return self.tr("{0} needs a data file: choose it below the tasks.").format(without)
        if not (any(box.isChecked() for _, box in self._roles) or self.direct.text().strip()):
            return self.tr("Check a role.")
        if self.tasks.runs_code and not self.allow_code.isChecked():
            return self.tr("A task runs code that models write: allow this, or uncheck the task.")
        try:
            parse_scales(self.scales.text())
            parse_policies(self.policies.text())
        except TuneshiftError as error:
            return str(error)
        return ""

    def show_plan(self, plan: Plan) -> None:
        """Fill the fields from a plan, except for the permission to run code."""
        self._fill(asdict(plan), dict(entry.partition("=")[::2] for entry in plan.data))

    def remembered(self) -> dict[str, Any]:
        """The content of the fields as plain data."""
        return {
            "tasks": [task.name for task in self.tasks.checked],
            "roles": [name for name, box in self._roles if box.isChecked()],
            "direct": self.direct.text(),
            "scales": self.scales.text(),
            "policies": self.policies.text(),
            "limit": int(self.limit.value()),
            "batch_size": int(self.batch.value()),
            "data": self.tasks.given_data,
        }

    def restore(self, form: dict[str, Any]) -> None:
        """Fill the fields from data of :meth:`remembered`; ignore invalid parts."""
        try:
            self._fill({"roles": [], **form}, {str(k): str(v) for k, v in form["data"].items()})
            if form.get("direct"):
                self.direct.setText(str(form["direct"]))
            self.scales.setText(str(form["scales"]))
            self.policies.setText(str(form.get("policies", "")))
        except (KeyError, TypeError, ValueError, AttributeError):
            return

    def _fill(self, values: dict[str, Any], data: dict[str, str]) -> None:
        self.tasks.choose([str(name) for name in values["tasks"]], data)
        roles = [str(role) for role in values["roles"]]
        for name, box in self._roles:
            box.setChecked(name in roles)
        direct = next((role.partition("=")[2] for role in roles if "=" in role), "")
        self.direct.setText(direct)
        if not isinstance(values["scales"], str):
            self.scales.setText(", ".join(f"{scale:g}" for scale in values["scales"]))
            self.policies.setText(", ".join(values["policies"]))
        self.limit.setValue(values["limit"] or 0)
        self.batch.setValue(values["batch_size"] or 0)

    def _ask_folder(self) -> None:
        title = self.tr("Directly tuned model")
        ask_folder(self, title, self.direct.text(), self.direct.setText)

    def _on_changed(self) -> None:
        code = self.tasks.runs_code
        self.allow_code.setVisible(code)
        self._code_about.setVisible(code)
        self.changed.emit()


def _title(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    return label
