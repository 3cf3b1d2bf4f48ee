from django import forms


class ClinicalForm(forms.ModelForm):
    """The form of a hideable record.

    A form leaves fields that it does not show out of validation, and with `hidden_at` every constraint that speaks of
    visible rows: they would come back as a database error instead of a sentence.
    """

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() - {"hidden_at"}
