from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sarah", "0008_kapso_feed"),
    ]

    operations = [
        migrations.AddField(
            model_name="stateupdate",
            name="message_id",
            field=models.UUIDField(editable=False, null=True, verbose_name="message"),
        ),
        migrations.AddField(
            model_name="sarahstate",
            name="waited_in_spool",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text=("The last message did: when it arrived is told by that server's clock."),
                verbose_name="waited on a server's disk",
            ),
        ),
    ]
