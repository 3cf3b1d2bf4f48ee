"""The tables as all these migrations leave them, made at once: what they do to rows, a new installation has none of."""

import backoffice.traced
import backoffice.web.media
import datetime
import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [
        ('backoffice', '0001_initial'),
        ('backoffice', '0002_language_and_burst_of_mails'),
        ('backoffice', '0003_who_reads_before_the_models'),
        ('backoffice', '0004_scheduled_runs'),
        ('backoffice', '0005_notices_and_summaries'),
        ('backoffice', '0006_visitors_in_the_trail'),
        ('backoffice', '0007_mails_and_imports_know_their_request'),
        ('backoffice', '0008_backups'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('axes', '0010_accessattemptexpiration'),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        TrigramExtension(),
        migrations.CreateModel(
            name='FailedSignIn',
            fields=[
            ],
            options={
                'verbose_name': 'failed sign-in',
                'verbose_name_plural': 'failed sign-ins',
                'ordering': ['-attempt_time', '-pk'],
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('axes.accessfailurelog',),
        ),
        migrations.CreateModel(
            name='SignIn',
            fields=[
            ],
            options={
                'verbose_name': 'sign-in',
                'verbose_name_plural': 'sign-ins',
                'ordering': ['-attempt_time', '-pk'],
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('axes.accesslog',),
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ('language', models.CharField(blank=True, choices=[('en', 'English'), ('zh-hant', 'Traditional Chinese')], help_text='In which the site speaks to them. Empty: as their browser asks.', max_length=10, verbose_name='language')),
            ],
            options={
                'verbose_name': 'person',
                'default_permissions': ('add', 'change', 'delete', 'view', 'import', 'export'),
                'verbose_name_plural': 'people',
                'abstract': False,
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='HistoricalUser',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(db_index=True, error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical person',
                'verbose_name_plural': 'historical people',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='AccessEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('view', 'viewed'), ('history', 'viewed the history'), ('picture', 'viewed the picture'), ('download', 'downloaded'), ('export', 'exported'), ('reveal', 'revealed the national ID')], max_length=16, verbose_name='what')),
                ('object_id', models.PositiveBigIntegerField(blank=True, null=True, verbose_name='record')),
                ('request_id', models.CharField(max_length=64, verbose_name='request')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('content_type', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='contenttypes.contenttype', verbose_name='kind of record')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='access_events', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'access event',
                'verbose_name_plural': 'access trail',
                'ordering': ['-at', '-pk'],
                'default_permissions': ['view', 'export'],
                'indexes': [models.Index(fields=['-at', '-id'], name='access_by_time'), models.Index(fields=['user', '-at', '-id'], name='access_by_person'), models.Index(fields=['action', '-at', '-id'], name='access_by_action'), models.Index(fields=['content_type', '-at', '-id'], name='access_by_kind'), models.Index(fields=['content_type', 'object_id', '-at', '-id'], name='access_of_a_record')],
            },
        ),
        migrations.CreateModel(
            name='TableImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='file')),
                ('file', models.FileField(blank=True, upload_to=backoffice.web.media.RandomName('imports'), verbose_name='kept file')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('row_count', models.PositiveIntegerField(null=True, verbose_name='rows')),
                ('uploaded_at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('status', models.CharField(choices=[('to_check', 'waits to be checked'), ('checking', 'being checked'), ('checked', 'to be confirmed'), ('to_write', 'waits to be written'), ('writing', 'being written'), ('done', 'imported'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='to_check', max_length=16, verbose_name='status')),
                ('language', models.CharField(help_text='Of whoever uploaded it.', max_length=16, verbose_name='language')),
                ('skip_invalid', models.BooleanField(default=False, verbose_name='without the rows that have errors')),
                ('outcome', models.JSONField(null=True, verbose_name='outcome')),
                ('details', models.JSONField(help_text="Forgotten soon: they hold the file's values.", null=True, verbose_name='rows of the outcome')),
                ('error', models.TextField(blank=True, verbose_name='what went wrong')),
                ('attempts', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='attempts')),
                ('lease_token', models.CharField(blank=True, editable=False, max_length=32)),
                ('lease_until', models.DateTimeField(editable=False, null=True)),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished')),
                ('confirmed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='confirmed by')),
                ('content_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='contenttypes.contenttype', verbose_name='table')),
                ('uploaded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='table_imports', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'import',
                'verbose_name_plural': 'imports',
                'ordering': ['-pk'],
                'default_permissions': ['view', 'change'],
                'indexes': [models.Index(fields=['status'], name='imports_by_status'), models.Index(fields=['content_type', '-id'], name='imports_of_a_table')],
            },
        ),
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('to', models.EmailField(max_length=254, verbose_name='to')),
                ('subject', models.CharField(max_length=200, verbose_name='subject')),
                ('body', models.TextField(blank=True, help_text='Forgotten once it is sent: it holds a private link.', verbose_name='text')),
                ('written_at', models.DateTimeField(auto_now_add=True, verbose_name='written')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('attempts', models.PositiveSmallIntegerField(default=0, editable=False, verbose_name='attempts')),
                ('lease_token', models.CharField(blank=True, editable=False, max_length=32)),
                ('lease_until', models.DateTimeField(editable=False, null=True)),
                ('error', models.CharField(blank=True, max_length=200, verbose_name='what went wrong')),
                ('about', models.CharField(blank=True, editable=False, max_length=60)),
            ],
            options={
                'verbose_name': 'mail',
                'verbose_name_plural': 'mails',
                'ordering': ['-pk'],
                'indexes': [models.Index(condition=models.Q(('sent_at', None)), fields=['lease_until'], name='mails_to_send')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalRole',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('needs_second_factor', models.BooleanField(default=False, help_text='People of this role sign in with a code from their phone as well. Who has none sets it up first.', verbose_name='second factor required')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('group', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='auth.group', verbose_name='role')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reads_first', models.BooleanField(default=False, help_text='People of this role see what the models say about a film only once they have given their own answer. Their pages say which of the two holds, and since when.', verbose_name='reads before the models')),
            ],
            options={
                'verbose_name': 'historical role',
                'verbose_name_plural': 'historical roles',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Role',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('needs_second_factor', models.BooleanField(default=False, help_text='People of this role sign in with a code from their phone as well. Who has none sets it up first.', verbose_name='second factor required')),
                ('group', models.OneToOneField(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='role', to='auth.group', verbose_name='role')),
                ('reads_first', models.BooleanField(default=False, help_text='People of this role see what the models say about a film only once they have given their own answer. Their pages say which of the two holds, and since when.', verbose_name='reads before the models')),
            ],
            options={
                'verbose_name': 'role',
                'verbose_name_plural': 'roles',
                'ordering': ['group__name'],
            },
        ),
        migrations.CreateModel(
            name='ScheduledRun',
            fields=[
                ('function', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField(verbose_name='began')),
                ('began_before', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('succeeded_at', models.DateTimeField(null=True, verbose_name='succeeded')),
                ('error', models.TextField(blank=True, verbose_name='error')),
            ],
            options={
                'permissions': [('run_schedule', 'Can run at once what runs by the clock')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='DailySummary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True, verbose_name='day')),
                ('sections', models.JSONField(default=list, verbose_name='what was counted')),
                ('made_at', models.DateTimeField(auto_now_add=True, verbose_name='made')),
            ],
            options={
                'verbose_name': 'daily summary',
                'verbose_name_plural': 'daily summaries',
                'ordering': ['-day'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='NoticeWishes',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by_mail', models.CharField(choices=[('nothing', 'no notice at all'), ('urgent', 'urgent notices alone'), ('everything', 'all notices')], default='nothing', max_length=10, verbose_name='by mail')),
                ('quiet_from', models.TimeField(default=datetime.time(20, 0), verbose_name='quiet from')),
                ('quiet_until', models.TimeField(default=datetime.time(7, 0), verbose_name='quiet until')),
                ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='notice_wishes', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('key', models.CharField(max_length=100)),
                ('is_urgent', models.BooleanField(default=False)),
                ('details', models.JSONField(default=dict)),
                ('object_id', models.PositiveBigIntegerField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('read_at', models.DateTimeField(null=True)),
                ('mailed_at', models.DateTimeField(null=True)),
                ('content_type', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='contenttypes.contenttype')),
                ('to', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'ordering': ['-at', '-pk'],
                'default_permissions': (),
                'indexes': [models.Index(fields=['key'], name='notices_of_a_thing'), models.Index(fields=['to', '-at', '-id'], name='notices_of_a_person'), models.Index(condition=models.Q(('read_at', None)), fields=['to', '-at', '-id'], name='notices_unread'), models.Index(condition=models.Q(('mailed_at', None), ('read_at', None)), fields=['at'], name='notices_to_mail')],
                'constraints': [models.UniqueConstraint(fields=('to', 'key'), name='one_notice_of_a_thing_per_person')],
            },
        ),
        migrations.AlterField(
            model_name='accessevent',
            name='user',
            field=models.ForeignKey(db_index=False, help_text='Empty: a patient who proved who they are.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='access_events', to=settings.AUTH_USER_MODEL, verbose_name='person'),
        ),
        migrations.AddField(
            model_name='mail',
            name='request_id',
            field=models.CharField(blank=True, db_default='', default=backoffice.traced.this_request, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='tableimport',
            name='request_id',
            field=models.CharField(blank=True, db_default='', default=backoffice.traced.this_request, editable=False, max_length=32),
        ),
        migrations.CreateModel(
            name='Backup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='archive')),
                ('folder', models.CharField(blank=True, max_length=500, verbose_name='folder')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('seconds', models.PositiveIntegerField(default=0, verbose_name='seconds')),
                ('size', models.PositiveBigIntegerField(default=0, verbose_name='size')),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('rows', models.PositiveBigIntegerField(default=0, verbose_name='rows')),
                ('files', models.PositiveIntegerField(default=0, verbose_name='files')),
                ('missing', models.PositiveIntegerField(default=0, verbose_name='files that were missing')),
                ('is_encrypted', models.BooleanField(default=False, verbose_name='encrypted')),
                ('error', models.TextField(blank=True, verbose_name='error')),
                ('drilled_at', models.DateTimeField(null=True, verbose_name='drilled')),
                ('is_drilled_whole', models.BooleanField(default=False)),
                ('findings', models.JSONField(default=list, verbose_name='what the drill found')),
            ],
            options={
                'verbose_name': 'backup',
                'verbose_name_plural': 'backups',
                'ordering': ['-made_at', '-pk'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['-made_at', '-id'], name='backups_by_moment'), models.Index(fields=['-drilled_at'], name='backups_by_drill')],
            },
        ),
    ]
