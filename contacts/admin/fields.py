"""Form fields that clean what people type or paste, in the same way as what the page showed."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contacts.text import MAX_ITEM_LENGTH, MAX_ITEMS, clean_line, clean_text


class LineField(forms.CharField):
    """One line of text."""

    def to_python(self, value: Any) -> Any:
        return clean_line(super().to_python(value) or "") or self.empty_value


class BlockField(forms.CharField):
    """Text of several lines."""

    def to_python(self, value: Any) -> str:
        return clean_text(super().to_python(value) or "")


class ListField(forms.Field):
    """A list of short texts, one per line or with another separator; surrounding spaces are
    ignored."""

    def __init__(self, *, separator: str = "\n", max_items: int = MAX_ITEMS, **kwargs: Any) -> None:
        self.separator, self.max_items = separator, max_items
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return self.separator.join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        mark = self.separator.strip(" ")
        items = value if isinstance(value, list) else str(value or "").split(mark)
        return list(dict.fromkeys(filter(None, (clean_line(str(item)) for item in items))))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial) != self.to_python(data))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > self.max_items:
            raise ValidationError(_("Write at most %d of them.") % self.max_items)
        if any(len(item) > MAX_ITEM_LENGTH for item in value):
            raise ValidationError(_("One of them has more than %d characters.") % MAX_ITEM_LENGTH)
