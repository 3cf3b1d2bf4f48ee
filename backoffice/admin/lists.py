"""Lists that stay fast, whatever is in them."""

from django.contrib import admin


class FastListAdmin(admin.ModelAdmin):
    """The list of a table that may grow to millions of rows."""

    list_per_page = 50
    show_full_result_count = False


class ReadOnlyAdmin(admin.ModelAdmin):
    """The admin of what the software writes and people only read."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
