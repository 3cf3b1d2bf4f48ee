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

    examples = {
        "text": "How often do you feel short of breath?",
        "text_other": "您多常覺得喘？",
        "min_label": "never",
        "min_label_other": "從不",
        "max_label": "always",
        "max_label_other": "總是",
    }


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

    examples = {
        "text": "How many cigarettes a day?",
        "text_other": "您一天抽幾支菸？",
        "unit": "cigarettes",
        "unit_other": "支",
        "minimum": "0",
        "maximum": "100",
    }
