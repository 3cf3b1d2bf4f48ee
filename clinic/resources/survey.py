"""The survey's questions as files."""

from backoffice.exchange.base_resource import ExchangeResource
from clinic.models import LikertQuestion, NumericQuestion


class LikertQuestionResource(ExchangeResource):
    """A question is known by its wording: to reword one, use the survey's page."""

    class Meta(ExchangeResource.Meta):
        model = LikertQuestion
        fields = [
            "text",
            "text_other",
            "min_label",
            "min_label_other",
            "max_label",
            "max_label_other",
            "position",
            "is_active",
            "is_required",
        ]
        import_id_fields = ["text"]

    examples = {"text": "How often do you feel short of breath?", "min_label": "never", "max_label": "always"}


class NumericQuestionResource(ExchangeResource):
    """A question is known by its wording: to reword one, use the survey's page."""

    class Meta(ExchangeResource.Meta):
        model = NumericQuestion
        fields = [
            "text",
            "text_other",
            "unit",
            "unit_other",
            "minimum",
            "maximum",
            "position",
            "is_active",
            "is_required",
        ]
        import_id_fields = ["text"]

    examples = {"text": "How many cigarettes a day?", "unit": "cigarettes", "minimum": "0", "maximum": "100"}
